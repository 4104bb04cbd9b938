"""The derivative of a function from its values alone.

For f smooth at x, (f(x + h) − f(x − h)) / 2h = f'(x) + O(h²), and in float64 with h ≈ 10⁻⁵ the
rounding is as small as the error of the formula: ten correct digits. Where f has a kink there is
no derivative to compare with: the slopes on the two sides stay apart however small h is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Comparison", "compare"]

STEPS = (6e-6, 6e-7, 6e-8)
RTOL = 1e-6
ATOL = 1e-7
KINK = 1e-3  # slopes further apart than this at the smallest step are a kink
MAX_ELEMENTS = 128  # of a larger tensor, so many elements are drawn at random
MAX_KINKS = 0.2  # the share of elements that may lie at a kink


class Comparison(NamedTuple):
    """The elements compared: where they are, both derivatives, and which of them disagree."""

    indices: list[tuple[int, ...]]
    analytic: Tensor
    numeric: Tensor
    wrong: Tensor

    def worst(self) -> str:
        """``largest at [1, 2]: analytic -0.5, numeric 0.5``."""
        gap = (self.analytic - self.numeric).abs().masked_fill(~self.wrong, -1)
        place = int(gap.nan_to_num(nan=torch.inf).argmax())
        analytic, numeric = float(self.analytic[place]), float(self.numeric[place])
        return (
            f"largest at {list(self.indices[place])}: "
            f"analytic {analytic:.8g}, numeric {numeric:.8g}"
        )


def compare(
    function: Callable[[], Tensor],
    x: Tensor,
    analytic: Tensor,
    generator: torch.Generator,
    *,
    limit: bool = True,
) -> Comparison:
    """Compare `analytic`, the gradient of ``function().sum()`` at `x`, with differences.

    Only where the two disagree is the function looked at more closely, with smaller steps, and
    only its values decide whether there is a kink there. Such elements are left out.

    Args:
        function: computes the terms of the scalar from what `x` holds at the moment.
        x: changed in place, one element at a time, and put back.
        limit: whether too many kinks are an error.

    Raises:
        ConformanceError: more than a fifth of the elements lie at a kink.
    """
    indices = _some_indices(x, generator)
    center = function()
    kept, kinks = [], 0
    for index in indices:
        given = float(analytic[index])
        numeric, smooth = _derivative(function, x, index, center, given)
        if smooth:
            kept.append((index, given, numeric))
        else:
            kinks += 1
    if limit and kinks > MAX_KINKS * len(indices):
        raise ConformanceError(
            f"the function is not smooth at {kinks} of {len(indices)} random points",
            cause="it computes in less than float64, or has kinks or jumps where inputs are likely "
            "to be: draw them elsewhere (low, high or draw of the Example), or declare the "
            "exception with its reason",
        )
    mine, theirs = (torch.tensor([row[k] for row in kept], dtype=torch.float64) for k in (1, 2))
    wrong = torch.tensor([not _close(a, b, center) for _, a, b in kept], dtype=torch.bool)
    return Comparison([row[0] for row in kept], mine, theirs, wrong)


def _derivative(
    function: Callable[[], Tensor], x: Tensor, index: tuple[int, ...], center: Tensor, mine: float
) -> tuple[float, bool]:
    """The derivative at one element, and whether there is one."""
    first = math.nan
    for step in STEPS:
        above = _slope(function, x, index, center, step)
        below = _slope(function, x, index, center, -step)
        central = (above + below) / 2
        first = central if math.isnan(first) else first
        if _close(mine, central, center):
            return central, True
    return first, abs(above - below) <= KINK * max(1.0, abs(above), abs(below))


def _slope(
    function: Callable[[], Tensor], x: Tensor, index: tuple[int, ...], center: Tensor, step: float
) -> float:
    """(f(x + h) − f(x)) / h, with the h that x in floating point really moved by."""
    before = x[index].clone()
    x[index] += step
    moved = float(x[index] - before)
    try:
        return float((function() - center).sum()) / moved
    finally:
        x[index] = before


def _close(mine: float, numeric: float, center: Tensor) -> bool:
    """Whether they agree to what rounding can cost, which grows with the values subtracted."""
    scale = max(1.0, float(center.abs().max())) if center.numel() else 1.0
    tolerance = ATOL * scale + RTOL * max(abs(mine), abs(numeric))
    return math.isfinite(mine) and abs(mine - numeric) <= tolerance


def _some_indices(x: Tensor, generator: torch.Generator) -> list[tuple[int, ...]]:
    count = x.numel()
    places = torch.arange(count)
    if count > MAX_ELEMENTS:
        places = torch.randperm(count, generator=generator)[:MAX_ELEMENTS]
    strides = torch.empty(x.shape).stride()
    return [
        tuple(int(place) // stride % size for stride, size in zip(strides, x.shape, strict=True))
        for place in places.tolist()
    ]
