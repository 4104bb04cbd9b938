"""A component as a file writes it: ``"ReLU"``, ``{ Linear = {...} }``, ``[loss] name = ...``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from minidl_plugins_experiments.config.problems import ConfigError, kind_of

__all__ = ["ComponentSpec", "component_spec", "is_single", "section_spec"]


@dataclass(frozen=True)
class ComponentSpec:
    """The name and the arguments of a component that is not looked up yet.

    Attributes:
        key: its place in the file; that of its argument ``lr`` is ``{key}.lr``.
        name: the component's name, which may be qualified: ``acme-nets/Swish``.
        arguments: the arguments by name.
        positional: the arguments by position, from ``{ Linear = [2, 25] }``.
        optional: arguments that are dropped if the component has none of that name.
    """

    key: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    positional: list[Any] = field(default_factory=list)
    optional: dict[str, Any] = field(default_factory=dict)

    def tree(self, *, resolved: bool = True) -> Any:
        """Return it as a file may write it; `optional` is left out once it is `resolved`."""
        if "name" in self.arguments:
            return {self.name: self.arguments}
        optional = {"optional": self.optional} if self.optional and not resolved else {}
        if self.positional and not resolved:
            return {self.name: self.positional}
        return {"name": self.name, **self.arguments, **optional}


def is_single(value: Any) -> bool:
    """Return whether `value` is ``{ Name = {...} }``."""
    return (
        isinstance(value, dict)
        and len(value) == 1
        and "name" not in value
        and isinstance(next(iter(value.values())), dict)
    )


def section_spec(value: Any, key: str, example: str) -> ComponentSpec:
    """Read a section: a name, ``{ Name = {...} }``, or a table with a key ``name``.

    Raises:
        ConfigError: `value` is none of these.
    """
    if isinstance(value, str) or is_single(value):
        return component_spec(value, key)
    if not isinstance(value, dict):
        raise ConfigError(
            f"expected a name or a table with a name, got {kind_of(value)}; write {example}",
            key=key,
        )
    arguments = dict(value)
    name = arguments.pop("name", None)
    if name is None:
        raise ConfigError(f'expected a key "name", got {kind_of(value)}; write {example}', key=key)
    if not isinstance(name, str) or not name:
        raise ConfigError(
            f"expected the name of a component, got {kind_of(name)}; write {example}",
            key=f"{key}.name",
        )
    optional = arguments.pop("optional", {})
    if not isinstance(optional, dict):
        raise ConfigError(
            f"expected a table of arguments, got {kind_of(optional)}; write it as "
            "optional = { momentum = 0.9 }",
            key=f"{key}.optional",
        )
    return ComponentSpec(key, name, arguments, optional=optional)


def component_spec(value: Any, key: str) -> ComponentSpec:
    """Read ``"Name"``, or a table of one name: ``{ Name = { its arguments } }``.

    Raises:
        ConfigError: `value` is neither.
    """
    if isinstance(value, str) and value:
        return ComponentSpec(key, value)
    if not isinstance(value, dict):
        raise ConfigError(
            f"expected the name of a module, a table such as {{ Linear = {{ ... }} }}, or a list "
            f"of them, got {kind_of(value)}; correct it",
            key=key,
        )
    if len(value) != 1:
        raise ConfigError(
            f"expected a table of one name and its arguments, got {kind_of(value)}; write "
            "{ Linear = { in_features = 2, out_features = 25 } }",
            key=key,
        )
    ((name, arguments),) = value.items()
    key = f"{key}.{name}"
    if isinstance(arguments, list):
        return ComponentSpec(key, name, positional=arguments)
    if not isinstance(arguments, dict):
        raise ConfigError(
            f"expected a table of arguments, or a list of them in order, got {kind_of(arguments)}; "
            f"write {{ {name} = {{ argument = {kind_of(arguments)} }} }}",
            key=key,
        )
    return ComponentSpec(key, name, arguments)
