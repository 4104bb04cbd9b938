"""Whether a traced step did what the eager one did: to the bit, or to rounding."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["close", "equal", "farthest", "mostly_close"]


def equal(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> bool:
    """Whether all tensors are the same, NaN included; zeros may differ in sign."""
    return len(ours) == len(theirs) and all(map(_equal, ours, theirs))


def close(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> bool:
    """Whether all tensors are the same to rounding.

    |a − b| ≤ √ε max |b| in every element, with ε of the dtype and the maximum over all tensors of
    this dtype: an element that is only rounding itself, next to others that are not, may differ.
    """
    if not _alike(ours, theirs):
        return False
    largest = _largest(theirs)
    return all(bool(_near(a, b, largest[b.dtype]).all()) for a, b in zip(ours, theirs, strict=True))


def mostly_close(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> bool:
    """Whether at least half of all elements are the same to rounding.

    For what optimizers write: one that divides a gradient by its size makes a step of what is
    nothing but rounding, such as the gradient of a bias before a norm.
    """
    if not _alike(ours, theirs):
        return False
    largest = _largest(theirs)
    near = sum(int(_near(a, b, largest[b.dtype]).sum()) for a, b in zip(ours, theirs, strict=True))
    return 2 * near >= sum(b.numel() for b in theirs)


def farthest(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """Return the largest |a − b|; infinity where one is finite and the other is not."""
    if not _alike(ours, theirs):
        return math.inf
    apart = (
        torch.where((a == b) | ((a != a) & (b != b)), 0.0, a - b).abs().nan_to_num(math.inf)
        for a, b in zip(ours, theirs, strict=True)
    )
    return max((each.max().item() for each in apart if each.numel()), default=0.0)


def _alike(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> bool:
    return len(ours) == len(theirs) and all(
        (a.shape, a.dtype) == (b.shape, b.dtype) for a, b in zip(ours, theirs, strict=True)
    )


def _largest(tensors: Sequence[Tensor]) -> dict[torch.dtype, float]:
    found: dict[torch.dtype, float] = {}
    for each in tensors:
        if each.is_floating_point() and each.numel():
            top = each.nan_to_num(0.0, 0.0, 0.0).abs().max().item()
            found[each.dtype] = max(found.get(each.dtype, 0.0), top)
        else:
            found.setdefault(each.dtype, 0.0)
    return found


def _near(a: Tensor, b: Tensor, largest: float) -> Tensor:
    same = (a == b) | ((a != a) & (b != b))
    if b.is_floating_point():
        same |= (a - b).abs() <= torch.finfo(b.dtype).eps ** 0.5 * largest
    return same


def _equal(a: Tensor, b: Tensor) -> bool:
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return False
    return torch.equal(a, b) or bool(((a == b) | ((a != a) & (b != b))).all())
