"""The check of a constructor's number."""

from __future__ import annotations

import math
from typing import Any

from minidl_core import ArgumentError

__all__ = ["finite_number"]


def finite_number(layer: object, name: str, number: Any, *, above: float = -math.inf) -> float:
    """Return `number` if it is finite and greater than `above`.

    Raises:
        ArgumentError: it is not.
    """
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    if not is_number or not math.isfinite(number) or not number > above:
        least = f" above {above:g}" if above > -math.inf else ""
        raise ArgumentError(
            f"{name} must be a finite number{least}, got {number!r}", where=type(layer).__name__
        )
    return float(number)
