"""A ``state_dict`` without pickle: its tensors by name, everything else as JSON.

It may nest dicts, lists, tuples and sets of numbers, text, None and tensors.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from minidl_core import MinidlError

__all__ = ["from_plain", "to_plain"]


def to_plain(value: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    """Return `value` ready for JSON, and add its tensors to `tensors`.

    Args:
        name: the prefix of the names of its tensors.

    Raises:
        MinidlError: it contains something else, such as an object.
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
    """Return the value that `to_plain` was given."""
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
