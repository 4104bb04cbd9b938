"""The tree of modules: what is inside a module, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from minidl_core.protocols import Module

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["children", "discard_pending", "walk"]

_MODULE = ("forward", "training", *Module.__abstractmethods__)  # isinstance(…, Module), but faster


def members(module: object) -> Iterator[tuple[str, Any]]:
    """Yield each attribute of `module` by name; lists, tuples and dicts are opened: ``layers.0``.

    The stack of `BaseModule` is left out: what is in it waits for ``backward`` and is no member.
    """
    for name, value in getattr(module, "__dict__", {}).items():
        if name != "_stack":
            yield from _opened(name, value)


def _opened(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, (list, tuple)):
        pairs = enumerate(value)
    else:
        yield name, value
        return
    for key, item in pairs:
        yield from _opened(f"{name}.{key}", item)


def is_module(item: object) -> TypeGuard[Module]:
    """Whether `item` has the methods of a module and is no class."""
    return not isinstance(item, type) and all(hasattr(item, name) for name in _MODULE)


def children(module: Module) -> Sequence[tuple[str, Module]]:
    """Return the modules directly inside `module`, by name.

    A module says so itself in ``named_children()``; otherwise its attributes are searched.
    """
    named_children = getattr(module, "named_children", None)
    if named_children is not None:
        return list(named_children())
    return [(name, item) for name, item in members(module) if is_module(item)]


def walk(module: Module) -> Iterator[tuple[str, Module]]:
    """Yield `module` and everything inside it, with its path: ``""``, ``"0"``, ``"0.2"``, ….

    A module that stands in several places is yielded once for each. A module that contains itself
    is not entered a second time.
    """
    yield from _walked("", module, frozenset())


def _walked(path: str, module: Module, above: frozenset[int]) -> Iterator[tuple[str, Module]]:
    yield path, module
    above |= {id(module)}
    for name, child in children(module):
        if id(child) not in above:
            yield from _walked(f"{path}.{name}" if path else name, child, above)


def discard_pending(module: Module) -> None:
    """Forget every forward inside `module` that still waits for its backward."""
    for _, each in walk(module):
        stack = getattr(each, "_stack", None)
        if isinstance(stack, list):
            stack.clear()
