"""What usually went wrong, read off the wrong gradient and the right one.

A small catalogue of the mistakes that hand-written gradients have. It never decides whether a
check fails; it only helps to find the line.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["counts_of", "factor_of", "likely_cause", "named_factor"]

RTOL = 2e-6
ATOL = 1e-7


def likely_cause(
    mine: Tensor,
    right: Tensor,
    *,
    counts: Mapping[str, int] | None = None,
    alike: Iterable[tuple[str, Tensor]] = (),
) -> str:
    """Return the first entry of the catalogue that explains `mine`, or ``""``.

    Args:
        mine: the gradient that ``backward`` gave.
        right: the gradient by differences, in the same shape.
        counts: numbers that a mistaken factor may come from, by name: ``{"batch size": 4}``.
        alike: descriptions of mistakes with the gradient that each gives; see `hypotheses`.
    """
    if not mine.isfinite().all():
        return "a division by zero, a logarithm or an exponential that overflowed in backward"
    if not mine.any():
        return "it is zero: backward never computes it, or never adds it to grad"
    cause = _a_sign(mine, right) or _transposed(mine, right)
    if cause:
        return cause
    for description, other in alike:
        if other.shape == mine.shape and _same(mine, other):
            return description
    if not right.any():
        return "it should be zero: the output does not depend on this"
    return _a_factor(mine, right, counts or {}) or _in_part(mine, right)


def factor_of(mine: Tensor, right: Tensor) -> float | None:
    """Return c where mine = c · right; by least squares, c = ⟨mine, right⟩ / ⟨right, right⟩."""
    if not (right.isfinite().all() and mine.isfinite().all() and right.any() and mine.any()):
        return None
    factor = float((mine * right).sum() / (right * right).sum())
    return factor if _same(mine, factor * right) else None


def named_factor(factor: float, numbers: Mapping[str, Any]) -> str:
    """Explain `factor` by one of the component's own `numbers`, such as 1 − momentum."""
    for name, number in numbers.items():
        if not isinstance(number, float) or not number:  # whole numbers are sizes
            continue
        candidates = {name: float(number), f"1 / {name}": 1 / number}
        if number != 1:
            candidates |= {f"1 − {name}": 1 - number, f"1 / (1 − {name})": 1 / (1 - number)}
        for said, candidate in candidates.items():
            if candidate not in (0, 1, -1) and math.isclose(factor, candidate, rel_tol=1e-5):
                return f"it is {said} = {factor:.6g} times the right one"
    return ""


def _a_sign(mine: Tensor, right: Tensor) -> str:
    return "the sign is wrong" if _same(mine, -right) else ""


def _transposed(mine: Tensor, right: Tensor) -> str:
    square = mine.ndim >= 2 and mine.shape[-1] == mine.shape[-2]
    return "it is transposed" if square and _same(mine, right.mT) else ""


def _a_factor(mine: Tensor, right: Tensor, counts: Mapping[str, int]) -> str:
    factor = factor_of(mine, right)
    if factor is None:
        return ""
    for name, count in counts.items():
        if count > 1 and math.isclose(factor, count, rel_tol=1e-5):
            return f"it is {count} times too large, the {name}: a missing mean"
        if count > 1 and math.isclose(factor * count, 1, rel_tol=1e-5):
            return (
                f"it is {count} times too small, the {name}: "
                "a mean where the value has a sum, or a sum that is missing"
            )
    for number in (2.0, 0.5, -2.0, -0.5):
        if math.isclose(factor, number, rel_tol=1e-5):
            return f"it is {number:g} times the right one: a forgotten or doubled factor of two"
    return f"it is {factor:.6g} times the right one: a constant factor"


def _in_part(mine: Tensor, right: Tensor) -> str:
    gap = (mine - right).abs()
    if bool((gap <= 1e-3 * right.abs().max()).all()):
        return "it is right to some digits: a small term such as ε is missing, or it is rounded"
    wrong = ~torch.isclose(mine, right, rtol=RTOL, atol=ATOL)
    if not mine[wrong].any():
        return (
            f"{int(wrong.sum())} of {wrong.numel()} elements are zero: an index or a condition "
            "leaves them out"
        )
    if not right[wrong].any():
        return (
            f"{int(wrong.sum())} of {wrong.numel()} elements should be zero and are not: a mask or "
            "a condition of forward is forgotten in backward"
        )
    if bool((mine * right >= 0).all()):
        return "every sign is right and the size is not: a factor of the chain rule"
    return ""


def _same(a: Tensor, b: Tensor) -> bool:
    return bool(torch.allclose(a, b, rtol=RTOL, atol=ATOL))


def counts_of(shape: torch.Size, batch: int | None) -> dict[str, int]:
    """Return the numbers that a mean over some of the dimensions of `shape` divides by."""
    counts = {"number of elements": math.prod(shape)}
    if batch is not None:
        counts["batch size"] = batch
        if batch and not counts["number of elements"] % batch:
            counts["number of features"] = counts["number of elements"] // batch
    return counts
