"""What the objects that a step reaches hold, and what they say of themselves."""

from __future__ import annotations

from types import BuiltinFunctionType
from typing import Any

import torch

from minidl_core import BaseOptimizer, Parameter, walk
from minidl_plugins_engines.refusals import NotTraceableError

__all__ = [
    "ATOMS", "METHODS", "NUMBERS", "PENDING", "describes_itself", "entries_of", "given_to",
    "inside", "is_immutable", "is_traceable", "slots_of",
]  # fmt: skip

NUMBERS = (bool, int, float, complex)


ATOMS = (
    *NUMBERS, str, bytes, type(None), type(Ellipsis), type, BuiltinFunctionType,
    torch.dtype, torch.device, torch.layout, torch.memory_format,
)  # fmt: skip


PENDING = "_stack"  # what BaseModule keeps between forward and backward; it is balanced by a step


METHODS = ("forward", "backward", "zero_grad", "step")


def describes_itself(component: Any) -> bool:
    """Whether `component` has the methods ``tensors`` and ``signature``, as a stack does."""
    kind = type(component)
    return callable(getattr(kind, "tensors", None)) and callable(getattr(kind, "signature", None))


def inside(component: Any) -> list[Any]:
    """Return the modules and optimizers that the code of a stack runs in."""
    found = [each for _, each in walk(component.model)] if hasattr(component, "model") else []
    inner = getattr(component, "optimizer", None)
    while inner is not None and not any(inner is each for each in found):
        found.append(inner)
        inner = getattr(inner, "optimizer", None)
    return found


def is_traceable(component: Any) -> bool:
    """Whether the class declares itself; a subclass that overrides a method must do so again."""
    for cls in type(component).__mro__:
        if "traceable" in vars(cls):
            return vars(cls)["traceable"] is True
        if any(method in vars(cls) for method in METHODS):
            return False
    return False


def given_to(optimizer: Any) -> tuple[Parameter, ...]:
    """Return the parameters that `BaseOptimizer.zero_grad` sets to zero.

    Raises:
        NotTraceableError: the optimizer has a ``zero_grad`` of its own.
    """
    own = getattr(type(optimizer), "zero_grad", None) is not BaseOptimizer.zero_grad
    if own or "zero_grad" in vars(optimizer) or type(vars(optimizer).get("_given")) is not tuple:
        raise NotTraceableError("the optimizer has its own zero_grad and is not traceable")
    return vars(optimizer)["_given"]  # type: ignore[no-any-return]


def is_immutable(value: Any) -> bool:
    """Whether nothing inside `value` can change."""
    if type(value) in (tuple, frozenset, torch.Size):
        return all(map(is_immutable, value))
    if type(value) is slice:
        return all(map(is_immutable, (value.start, value.stop, value.step)))
    return type(value) in ATOMS or isinstance(value, type)


def slots_of(value: Any) -> list[str]:
    """Return the names of the slots that `value` has filled."""
    names = [name for cls in type(value).__mro__ for name in vars(cls).get("__slots__", ())]
    return [name for name in names if name != "__weakref__" and hasattr(value, name)]


def entries_of(holder: Any) -> list[tuple[Any, Any]]:
    """Return what `holder`, one of `Inventory.holders`, holds, by index, key or name."""
    if type(holder) is list:
        return list(enumerate(holder))
    if isinstance(holder, dict):
        return [(key, value) for key, value in holder.items() if key != PENDING]
    return [(name, getattr(holder, name)) for name in slots_of(holder)]
