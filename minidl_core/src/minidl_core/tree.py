"""The tree of modules: what is inside a module, where, and how it is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from minidl_core.protocols import Module

__all__ = ["children", "walk"]

_MODULE = ("forward", "backward", "param", "info", "train", "eval", "training")


def members(module: object) -> Iterator[tuple[str, Any]]:
    """Yield each attribute of `module` by name; lists, tuples and dicts are opened: ``layers.0``.

    The stack of `BaseModule` is left out: what is in it waits for ``backward`` and is no member.
    """
    for name, value in getattr(module, "__dict__", {}).items():
        if name != "_stack":
            yield from _opened(name, value)


def _opened(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, (dict, list, tuple)):
        yield name, value
        return
    pairs: Iterable[Any] = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        yield from _opened(f"{name}.{key}", item)


def is_module(item: object) -> TypeGuard[Module]:
    """Whether `item` has the methods of a module and is no class."""
    return hasattr(item, "forward") and not isinstance(item, type) and not missing_methods(item)


def missing_methods(item: object) -> list[str]:
    """Return what `item` lacks to be a module."""
    return [name for name in _MODULE if not hasattr(item, name)]


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


def tree_of(title: str, module: Module) -> str:
    """Return `title` and, indented below it, a line for each module inside `module`."""
    first, *body, end = _block(title, module)
    return "\n".join([f"|x {first}", *(f"| {line}" for line in body), f"| | {end}"])


def _block(title: str, module: Module) -> list[str]:
    lines = [line for _, child in children(module) for line in _lines(child)]
    return [f"{title}:", *(f"| {line}" for line in lines), "v"]


def _lines(module: Module) -> list[str]:
    """The lines of `module` inside a tree: one for a leaf; title, children and ``v`` otherwise."""
    is_container, summary = (getattr(module, name, None) for name in ("is_container", "summary"))
    if is_container is not None and summary is not None and is_container():
        return _block(summary(), module)
    describe = getattr(module, "describe", None)
    return str(describe()).splitlines() if describe else [type(module).__name__]
