"""How a file names one component: ``"ReLU"``, ``{ Linear = {...} }``, ``[loss] name = ...``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from minidl_plugins_experiments.config.problems import ConfigError, kind_of

__all__ = ["Named", "is_single", "named", "section"]


@dataclass(frozen=True)
class Named:
    """A component as the file names it, not yet looked up.

    Attributes:
        key: where in the file it stands; its argument ``lr`` stands at ``{key}.lr``.
        name: of the component, maybe qualified: ``acme-nets/Swish``.
        arguments: by name.
        positional: by position, from ``{ Linear = [2, 25] }``.
        optional: arguments that are given only to a component that takes them.
    """

    key: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    positional: list[Any] = field(default_factory=list)
    optional: dict[str, Any] = field(default_factory=dict)

    def tree(self) -> Any:
        """It again as a file may write it; without `optional`, which is decided by then."""
        if "name" in self.arguments:
            return {self.name: self.arguments}
        return {"name": self.name, **self.arguments}


def is_single(value: Any) -> bool:
    """Whether `value` is ``{ Name = {...} }``."""
    return (
        isinstance(value, dict)
        and len(value) == 1
        and "name" not in value
        and isinstance(next(iter(value.values())), dict)
    )


def section(value: Any, key: str, example: str) -> Named:
    """The component of a whole section: its name, ``{ Name = {...} }``, or a table with ``name``.

    Raises:
        ConfigError: `value` is none of them.
    """
    if isinstance(value, str) or is_single(value):
        return named(value, key)
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
    return Named(key, name, arguments, optional=optional)


def named(value: Any, key: str) -> Named:
    """``"Name"``, or a table of that one name: ``{ Name = { its arguments } }``.

    Raises:
        ConfigError: `value` is neither.
    """
    if isinstance(value, str) and value:
        return Named(key, value)
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
        return Named(key, name, positional=arguments)
    if not isinstance(arguments, dict):
        raise ConfigError(
            f"expected a table of arguments, or a list of them in order, got {kind_of(arguments)}; "
            f"write {{ {name} = {{ argument = {kind_of(arguments)} }} }}",
            key=key,
        )
    return Named(key, name, arguments)
