"""All that a step can see: what is reached from model, loss and optimizer, and its tensors."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import Parameter
from minidl_plugins_engines.holding import (
    ATOMS,
    NUMBERS,
    PENDING,
    describes_itself,
    entries_of,
    given_to,
    inside,
    is_immutable,
    is_traceable,
    slots_of,
)  # fmt: skip
from minidl_plugins_engines.refusals import NotTraceableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

__all__ = ["MODEL", "SCOPES", "WHOLE", "ZEROING", "Inventory"]


WHOLE, ZEROING, MODEL = SCOPES = ("whole", "zeroing", "model")


class Inventory:
    """The objects, tensors and generators that a step may read or change.

    Args:
        scope: how much of the step is traced. ``"whole"``: all of it. ``"zeroing"``: all but the
            optimizer's ``step``; its ``zero_grad`` is that of `BaseOptimizer`. ``"model"``: nothing
            of the optimizer.

    Attributes:
        components: modules, loss and optimizer, each once.
        steppers: the optimizers among the components; a schedule may change their numbers.
        holders: every container whose entries are fixed while a trace is used: the ``__dict__`` of
            an object, a list, a dict, or an object with slots.
        described: components that say themselves what a step depends on, such as stacks, with what
            they said: their tensors, and ``signature()``.
        tensors: each once, in the order of the walk.
        generators: each once.

    Raises:
        NotTraceableError: something reached could change without being seen.
    """

    def __init__(self, model: Any, loss: Any, optimizer: Any, scope: str = WHOLE) -> None:
        self.components: list[Any] = []
        self.steppers: list[Any] = []
        self.holders: list[Any] = []
        self.described: list[tuple[Any, list[Tensor], Any]] = []
        self.tensors: list[Tensor] = []
        self.generators: list[torch.Generator] = []
        self._seen: set[int] = set()
        self._keep: list[Any] = []  # so that no id in `_seen` is used again
        self._roots = {id(each) for each in (model, loss, optimizer)}
        self._walk("the model", model)
        self._walk("the loss", loss)
        self.scope = scope
        if scope == WHOLE:
            self._walk("the optimizer", optimizer)
        elif scope == ZEROING:
            self._descend(iter([("the optimizer's parameters", given_to(optimizer))]))

    def _walk(self, where: str, component: Any) -> None:
        self._admit_component(where, component)
        self._descend(iter(self._entries(where, component)))

    def _descend(self, entries: Iterator[tuple[str, Any]]) -> None:
        """Walk without recursion, so that a network may be of any depth."""
        stack = [entries]
        while stack:
            for path, value in stack[-1]:
                inner = self._admit(path, value)
                if inner is not None:
                    stack.append(inner)
                    break
            else:
                stack.pop()

    def _admit(self, path: str, value: Any) -> Iterator[tuple[str, Any]] | None:
        """Take `value` in; return what is inside it, if anything is."""
        if type(value) in ATOMS or id(value) in self._seen:
            if id(value) in self._roots:
                raise NotTraceableError(f"{path} refers back to the model, loss or optimizer")
            return None
        if isinstance(value, torch.Tensor):
            self._admit_tensor(path, value)
            return None
        if isinstance(value, torch.Generator):
            self._remember(value)
            self.generators.append(value)
            return None
        if is_immutable(value):
            return None
        self._remember(value)
        if isinstance(value, Parameter):
            self.holders.append(value)
            return ((f"{path}.{name}", getattr(value, name)) for name in slots_of(value))
        if type(value) is list:
            self.holders.append(value)
            return ((f"{path}.{i}", item) for i, item in enumerate(value))
        if type(value) is tuple:
            return ((f"{path}.{i}", item) for i, item in enumerate(value))
        if isinstance(value, dict) and type(value).__module__ in ("builtins", "collections"):
            self.holders.append(value)
            return self._of_dict(path, value)
        if hasattr(value, "backward") or hasattr(value, "step"):
            self._admit_component(path, value)
            return self._entries(path, value)
        raise NotTraceableError(f"{path} is {_kind(value)}, which could change without being seen")

    def _of_dict(self, path: str, value: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
        for key, item in value.items():
            if not (is_immutable(key) or isinstance(key, Parameter)):
                raise NotTraceableError(f"{path} has a key that is {_kind(key)}")
            yield f"{path}.{key}", item

    def _admit_component(self, where: str, component: Any) -> None:
        kind = type(component)
        if describes_itself(component):
            self._admit_described(where, component)
            return
        if not is_traceable(component):
            raise NotTraceableError(
                f"{where}, {_kind(component)}, does not declare traceable = True"
            )
        if not hasattr(component, "__dict__") or slots_of(component):
            raise NotTraceableError(f"{where}, {_kind(component)}, has __slots__")
        for name in vars(component):
            if callable(getattr(kind, name, None)):
                raise NotTraceableError(f"{where} has its own {name}, which replaces the class's")
        self._remember(component)
        self.components.append(component)
        self.holders.append(vars(component))
        if hasattr(component, "step"):
            self.steppers.append(component)

    def _entries(self, where: str, component: Any) -> Iterator[tuple[str, Any]]:
        if not describes_itself(component):
            for name, value in vars(component).items():
                if name != PENDING:
                    yield f"{where}.{name}", value

    def _admit_described(self, where: str, component: Any) -> None:
        if component.traceable is not True:
            why = getattr(component, "why_one_by_one", None) or "it does not declare it"
            raise NotTraceableError(f"{where}, {_kind(component)}, is not traceable: {why}")
        self._remember(component)
        self.components += [component, *inside(component)]
        tensors = list(component.tensors())
        self.described.append((component, tensors, component.signature()))
        for i, tensor in enumerate(tensors):
            if id(tensor) not in self._seen:
                self._admit_tensor(f"{where}.tensors()[{i}]", tensor)
        for generator in getattr(component, "generators", list)():
            if id(generator) not in self._seen:
                self._remember(generator)
                self.generators.append(generator)

    def _admit_tensor(self, path: str, tensor: Tensor) -> None:
        if type(tensor) is not torch.Tensor or tensor.layout is not torch.strided:
            raise NotTraceableError(f"{path} is {_kind(tensor)}, not a plain dense tensor")
        if tensor.requires_grad or tensor.is_inference():
            raise NotTraceableError(f"{path} belongs to torch's autograd or to inference mode")
        self._remember(tensor)
        self.tensors.append(tensor)

    def _remember(self, value: Any) -> None:
        self._seen.add(id(value))
        self._keep.append(value)

    def fingerprint(self) -> tuple[list[Any], list[Any]]:
        """Return what a trace depends on: all but the numbers of the optimizer, and those numbers.

        Objects appear by their identity, immutable values by type and value.
        """
        numbered = {id(vars(each)) for each in self.steppers}
        structure: list[Any] = []
        numbers: list[Any] = []
        for holder in self.holders:
            for key, value in entries_of(holder):
                number = id(holder) in numbered and type(value) in NUMBERS
                out = numbers if number else structure
                out.append(repr(key))
                out.append((type(value), repr(value)) if is_immutable(value) else id(value))
                if isinstance(value, torch.Tensor):
                    out.append((value.data_ptr(), value.shape))
        for component, tensors, said in self.described:
            out = numbers if hasattr(component, "step") else structure
            out.append((said, [(id(each), each.data_ptr(), each.shape) for each in tensors]))
        return structure, numbers


def _kind(value: Any) -> str:
    if isinstance(value, FunctionType):
        return f"the function {value.__qualname__}"
    return f"a {type(value).__module__}.{type(value).__qualname__}".replace("builtins.", "")
