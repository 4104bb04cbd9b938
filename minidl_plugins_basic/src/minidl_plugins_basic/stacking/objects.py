"""The objects inside a thing that is stacked, and their attributes."""

from __future__ import annotations

import sys
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from minidl_core import Parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["attributes_of", "is_open", "match_structures", "parameters_inside"]

# Pending forwards are no part of the structure, and a warning raises `max_pending`.
SKIPPED = frozenset({"_stack", "max_pending"})
CLOSED = (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType)


def parameters_inside(thing: Any) -> list[Parameter]:
    """Return every parameter that is reached through the attributes of `thing`."""
    return [item for item in _inside(thing) if isinstance(item, Parameter)]


def match_structures(things: Sequence[Any]) -> None:
    """Call ``match_structure``, where a class has it, with all of its like inside `things`."""
    columns = list(zip(*map(_inside, things), strict=False))
    for column in columns:
        if len({type(item) for item in column}) == 1 and hasattr(column[0], "match_structure"):
            for item in column:
                item.match_structure(column)


def _inside(thing: Any) -> list[Any]:
    """Return the parameters and open objects inside `thing`, which comes first, in one order."""
    found: dict[int, Any] = {}
    met: set[int] = set()
    waiting = [thing]
    while waiting:
        item = waiting.pop()
        if id(item) in met:
            continue
        met.add(id(item))
        if isinstance(item, Parameter):
            found[id(item)] = item
        elif isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, (list, tuple, set)):
            waiting += item
        elif is_open(item):
            found[id(item)] = item
            waiting += attributes_of(item).values()
    return list(found.values())


def attributes_of(item: Any) -> dict[str, Any]:
    """Return the attributes of `item` that may hold what is stacked."""
    inside = getattr(item, "inside_a_stack", None)  # of a stack that is itself stacked
    found = inside() if inside is not None else vars(item)
    return {name: value for name, value in found.items() if name not in SKIPPED}


def is_open(item: object) -> bool:
    """Whether `item` is an object of a class that somebody wrote, whose attributes may differ."""
    root = type(item).__module__.partition(".")[0]
    return (
        hasattr(item, "__dict__")
        and not isinstance(item, CLOSED)
        and root != "torch"
        and root not in sys.stdlib_module_names
    )
