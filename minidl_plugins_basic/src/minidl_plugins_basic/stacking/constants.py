"""Are attributes that are neither tensors nor numbers the same in all models?"""

from __future__ import annotations

from functools import partial
from types import FunctionType
from typing import Any

from torch import Tensor

from minidl_core import ArgumentError, Module, Parameter

__all__ = ["alike", "replaced_method"]


def alike(path: str, a: Any, b: Any) -> bool:
    """Whether `a` and `b`, the attribute `path` of two models, do the same.

    Raises:
        ArgumentError: they are functions that hold tensors or modules, which cannot be stacked.
    """
    if isinstance(a, FunctionType):
        _check_holds_no_tensor(path, a)
        return a is b or (
            a.__code__ is b.__code__
            and _all_alike(path, [a.__defaults__, *_held(a)], [b.__defaults__, *_held(b)])
        )
    if a is b:
        return True
    if isinstance(a, partial):
        return _all_alike(path, _parts(a), _parts(b))
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and _all_alike(path, a, b)
    try:
        return bool(a == b)
    except Exception:  # whatever is compared in a way of its own
        return False


def replaced_method(item: object) -> str | None:
    """The name of a method of the class that was replaced on `item` alone, or None."""
    for name, value in getattr(item, "__dict__", {}).items():
        if callable(value) and isinstance(getattr(type(item), name, None), FunctionType):
            return str(name)
    return None


def _all_alike(path: str, a: Any, b: Any) -> bool:
    return len(a) == len(b) and all(alike(path, x, y) for x, y in zip(a, b, strict=True))


def _held(function: FunctionType) -> list[Any]:
    return [cell.cell_contents for cell in function.__closure__ or ()]


def _parts(function: partial[Any]) -> list[Any]:
    return [function.func, *function.args, sorted(function.keywords.items())]


def _check_holds_no_tensor(path: str, function: FunctionType) -> None:
    for held in _held(function):
        if isinstance(held, (Tensor, Parameter, Module)):
            raise ArgumentError(
                f"not stacked: the function {path} holds a {type(held).__name__} of one model, so "
                "all models would share it; make it an attribute"
            )
