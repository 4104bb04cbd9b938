"""State without pickle: tensors by name, and all else as JSON.

A ``state_dict`` may nest dicts, lists and tuples of numbers, text, None and tensors.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import MinidlError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_core import Module

__all__ = ["from_plain", "kept_by", "to_plain"]


def to_plain(value: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    """`value` for JSON; each tensor in it goes into `tensors`, under a name that begins as `name`.

    Raises:
        MinidlError: there is something in it that is neither.
    """
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name, "device": str(value.device)}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        pairs = enumerate(value.items())
        return {
            "dict": [
                [to_plain(key, f"{name}.key{i}", tensors), to_plain(item, f"{name}.{i}", tensors)]
                for i, (key, item) in pairs
            ]
        }
    if isinstance(value, (list, tuple)):
        plain = [to_plain(item, f"{name}.{i}", tensors) for i, item in enumerate(value)]
        return {"tuple": plain} if isinstance(value, tuple) else plain
    if isinstance(value, (set, frozenset)):
        plain = [to_plain(item, f"{name}.{i}", tensors) for i, item in enumerate(sorted(value))]
        return {"set": plain}
    raise MinidlError(
        f"expected a state of numbers, text and tensors, got {type(value).__name__} in {name}; "
        "its author must leave it out of state_dict()"
    )


def from_plain(plain: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """What `to_plain` was given."""
    if isinstance(plain, list):
        return [from_plain(item, tensors) for item in plain]
    if not isinstance(plain, dict):
        return plain
    if "tensor" in plain:
        return tensors[plain["tensor"]].to(plain["device"])
    if "float" in plain:
        return float(plain["float"])
    if "dict" in plain:
        return {from_plain(key, tensors): from_plain(item, tensors) for key, item in plain["dict"]}
    kind = tuple if "tuple" in plain else set
    return kind(from_plain(item, tensors) for item in plain["tuple" if kind is tuple else "set"])


def kept_by(model: Module) -> Iterator[tuple[str, torch.Tensor | torch.Generator]]:
    """What `model` keeps beside its parameters: the tensors and generators that are attributes.

    Such as running means, and what a dropout layer draws from.
    """
    for path, module in _walk(model, ""):
        for name, value in getattr(module, "__dict__", {}).items():
            if isinstance(value, (torch.Tensor, torch.Generator)):
                yield f"{path}{name}", value


def _walk(module: Module, path: str) -> Iterator[tuple[str, Module]]:
    yield path, module
    children = getattr(module, "named_children", None)
    for name, child in children() if children else ():
        yield from _walk(child, f"{path}{name}.")
