"""The checks that constructors make of their arguments."""

from __future__ import annotations

from typing import Any

from minidl_core import ArgumentError

__all__ = ["check_probability", "check_sizes"]


def check_sizes(where: str, **sizes: Any) -> None:
    """Check that each of `sizes` is a whole number of at least 1.

    Raises:
        ArgumentError: one is not.
    """
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ArgumentError(
                f"{name} must be a whole number of at least 1, got {size!r}", where=where
            )


def check_probability(where: str, name: str, p: Any) -> float:
    """Return `p` if it is a probability below 1.

    Raises:
        ArgumentError: it is not.
    """
    if isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p < 1:
        raise ArgumentError(
            f"{name} must be a probability of at least 0 and below 1, got {p!r}", where=where
        )
    return float(p)
