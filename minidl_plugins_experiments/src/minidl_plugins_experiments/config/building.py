"""Building data, model, loss and optimizer from their specs, through the registry."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from minidl_core import MinidlError, Module, Sequential
from minidl_plugins_experiments.config.component_file import component_in_file, names_a_file
from minidl_plugins_experiments.config.component_spec import (
    ComponentSpec,
    component_spec,
    section_spec,
)
from minidl_plugins_experiments.config.problems import ConfigError, kind_of
from minidl_plugins_experiments.config.signatures import accepted_by
from minidl_plugins_experiments.config.sizes import with_sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import torch

    from minidl_core import Component, Loss, Optimizer, Parameter, Registry

__all__ = ["Builder", "Node"]


@dataclass(frozen=True)
class Node:
    """A module and its place in the file.

    Attributes:
        key: the place, such as ``model[1][2].Linear``.
        children: the nodes of a list; None for a single component.
    """

    key: str
    module: Module
    children: list[Node] | None = None


@dataclass
class Builder:
    """Makes the components of one run, and records which they are.

    Attributes:
        dtype, device: given to every component that takes them.
        folder: the folder that relative paths in the file begin at.
        sizes: what the words ``features`` and ``outputs`` stand for in a model.
        used: the component that each key of the file means.
        resolved: the spec of each key, with all arguments by name and `optional` decided.
    """

    registry: Registry
    dtype: torch.dtype
    device: torch.device
    folder: Path
    sizes: dict[str, int] = field(default_factory=dict)
    used: dict[str, Component] = field(default_factory=dict)
    resolved: dict[str, ComponentSpec] = field(default_factory=dict)

    # -- each kind -----------------------------------------------------------------------------

    def data(self, spec: ComponentSpec, generator: torch.Generator) -> Any:
        """Build the dataset, which draws its random numbers from `generator`."""
        return self._make("datasets", spec, {"generator": generator, "dtype": self.dtype})

    def loss(self, spec: ComponentSpec) -> Loss:
        """Build the loss."""
        loss: Loss = self._make("losses", spec, {"dtype": self.dtype, "device": self.device})
        return loss

    def optimizer(self, spec: ComponentSpec, params: Iterable[Parameter]) -> Optimizer:
        """Build the optimizer over `params`. One that wraps another gets a way to make that."""
        optimizer: Optimizer = self._make("optimizers", spec, {}, [params])
        return optimizer

    def schedule(self, spec: ComponentSpec) -> Any:
        """Build a schedule, and those that it is made of."""
        return self._make("schedules", spec, {})

    def offers(self, kind: str) -> bool:
        """Return whether an available distribution has components of `kind`."""
        found = self.registry.components(kind) if kind in self.registry.kinds() else []
        return any(self.registry.unavailable(each.distribution) is None for each in found)

    def model(self, tree: Any, generator: torch.Generator) -> Node:
        """Build the model that `tree` describes; `generator` draws its weights in order."""
        node = self._node(tree, "model", generator)
        for parameter in node.module.param():
            if (parameter.value.dtype, parameter.value.device) != (self.dtype, generator.device):
                parameter.value = parameter.value.to(generator.device, self.dtype)
                parameter.grad = parameter.grad.to(generator.device, self.dtype)
        return node

    # -- the model -----------------------------------------------------------------------------

    def _node(self, tree: Any, key: str, generator: torch.Generator) -> Node:
        if isinstance(tree, list):
            children = [
                self._node(item, f"{key}[{index}]", generator) for index, item in enumerate(tree)
            ]
            return Node(key, Sequential(*(child.module for child in children)), children)
        spec = component_spec(tree, key)
        given = {"generator": generator, "dtype": self.dtype, "device": self.device}
        module: Module = self._make("modules", spec, given)
        return Node(spec.key, module)

    def _argument(self, value: Any, annotation: str, key: str, given: dict[str, Any]) -> Any:
        """Return `value`, or the module or modules that it describes.

        It describes a module if the constructor's annotation asks for one (or for a list of
        them), or if it is written as ``{ module = ... }``.
        """
        generator = given.get("generator")
        if generator is None:
            return value
        if isinstance(value, dict) and value.keys() == {"module"}:
            return self._node(value["module"], f"{key}.module", generator).module
        if not re.search(r"\b(Module|BaseModule|Sequential)\b", annotation):
            return value
        if re.match(r"(\w+\.)*(list|List|tuple|Tuple|Sequence|Iterable|Collection)\[", annotation):
            if not isinstance(value, list):
                raise ConfigError(f"expected a list of modules, got {kind_of(value)}", key=key)
            return [
                self._node(item, f"{key}[{index}]", generator).module
                for index, item in enumerate(value)
            ]
        return self._node(value, key, generator).module

    # -- an optimizer around another -----------------------------------------------------------

    def _optimizer_maker(
        self, value: Any, outer: ComponentSpec, name: str
    ) -> Callable[[Iterable[Parameter]], Optimizer]:
        """Return a function ``params -> Optimizer`` for the argument `name` of `outer`."""
        inner = section_spec(value, f"{outer.key}.{name}", f"{name} = {{ SGD = {{ lr = 0.1 }} }}")

        def make(params: Iterable[Parameter]) -> Optimizer:
            optimizer = self.optimizer(inner, params)
            outer.arguments[name] = self.resolved[inner.key].tree()
            return optimizer

        return make

    def _schedules(self, value: Any, key: str) -> Any:
        """Return the schedule, or the list of schedules, that `value` describes."""
        if isinstance(value, list):
            return [self._schedules(each, f"{key}[{i}]") for i, each in enumerate(value)]
        return self.schedule(section_spec(value, key, "{ cosine = { final = 0.1 } }"))

    # -- one component -------------------------------------------------------------------------

    def _make(
        self, kind: str, spec: ComponentSpec, given: dict[str, Any], first: list[Any] | None = None
    ) -> Any:
        try:
            if names_a_file(spec.name):
                component = component_in_file(kind, spec.name, self.folder, self.registry)
            else:
                component = self.registry.find(kind, spec.name)
            cls = component.load()
        except MinidlError as error:
            raise ConfigError(str(error), key=spec.key) from error
        self.used[spec.key] = component
        accepted = accepted_by(cls, spec.name, leave_out=len(first or []))
        if kind == "modules":
            spec = with_sizes(spec, accepted, self.sizes)
        arguments, rest = accepted.by_name(spec)
        for name, value in arguments.items():
            if isinstance(value, str) and re.search(r"\bPath\b", accepted.annotation(name)):
                arguments[name] = str(self.folder / value)
        resolved = self.resolved[spec.key] = ComponentSpec(spec.key, spec.name, arguments, rest)
        arguments = {
            name: self._optimizer_maker(value, resolved, name)
            if kind == "optimizers" and re.search(r"\bOptimizer\b", accepted.annotation(name))
            else self._schedules(value, f"{spec.key}.{name}")
            if kind == "schedules" and re.search(r"\bSchedule\b", accepted.annotation(name))
            else self._argument(value, accepted.annotation(name), f"{spec.key}.{name}", given)
            for name, value in arguments.items()
        }
        rest = [
            self._argument(value, accepted.rest or "", f"{spec.key}[{index}]", given)
            for index, value in enumerate(rest)
        ]
        if rest:  # what stands before *modules can only be given by position
            before = [name for name in accepted.in_order() if name in arguments]
            rest = [*(arguments.pop(name) for name in before), *rest]
        for name in accepted.given & given.keys():
            arguments[name] = given[name]
        try:
            return cls(*(first or []), *rest, **arguments)
        except ConfigError:
            raise
        except MinidlError as error:
            raise ConfigError(str(error), key=_key_of(error, spec, arguments)) from error
        except Exception as error:
            raise ConfigError(
                f"{spec.name} could not be built: it raised {type(error).__name__}: {error}; "
                f"check its arguments (`minidl describe {spec.name}`)",
                key=spec.key,
            ) from error


def _key_of(error: MinidlError, spec: ComponentSpec, arguments: dict[str, Any]) -> str:
    """Return the key of the argument that `error` is about, if its message begins with the name."""
    place = error.path[-1] if error.path else ""
    first = str(error.args[0]).partition(" ")[0]
    for name in (place, first):
        if name in arguments and name:
            return f"{spec.key}.{name}"
    return spec.key
