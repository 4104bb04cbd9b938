"""The report's data: is a point of the square inside the disk?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.arguments import check_whole_number
from minidl_plugins_experiments.data.data import Data, Split
from minidl_plugins_experiments.data.encoders import Number
from minidl_plugins_experiments.data.targets import Classes
from minidl_plugins_experiments.data.transform import Transform

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["disk"]

CENTRE = 0.5
RADIUS = 1 / math.sqrt(2 * math.pi)  # so the disk is half of the square: π r² = 1/2
FEATURES = ["x1", "x2"]
CLASSES = ["outside the disk", "inside the disk"]


def disk(*, generator: torch.Generator, dtype: torch.dtype, points: int = 1000) -> Data:
    """Points uniform in [0, 1]²; label 1 if |p − (½, ½)| < 1/√(2π), else 0.

    The training set is balanced: as many points inside as outside, in random order. The test set
    is left as it comes. Both are normalised, p ↦ (p − μ) / σ, with the mean and the standard
    deviation of the training set; the targets are one-hot: (1, 0) outside, (0, 1) inside.

    Shapes: x and y of each set are (points, 2). The points are drawn and normalised in float32
    and then rounded to `dtype`, so that every dtype sees the same ones.

    Args:
        points: how many in the training set, and again in the test set.

    Raises:
        ArgumentError: `points` is not an even number of at least 2.
    """
    check_whole_number("points", points, least=2)
    if points % 2:
        raise ArgumentError(
            f"expected an even number, half of it for each label, got {points}; take "
            f"points = {points + 1}",
            where="points",
        )
    training = _draw_balanced(points, generator)
    testing = _draw(points, generator)
    mean, std = training.mean(0), training.std(0)

    def normalised(square: Tensor) -> Split:
        one_hot = torch.stack([~_inside(square), _inside(square)], 1)
        return Split(((square - mean) / std).to(dtype), one_hot.to(dtype))

    return Data(
        normalised(training),
        normalised(testing),
        "classification",
        notes={
            "classes": CLASSES,
            "features": FEATURES,
            "mean": mean.tolist(),
            "std": std.tolist(),
            "transform": _transform(mean, std).tree(),
            # p ↦ (p − μ) / σ makes the circle an ellipse along the axes.
            "ellipse": {
                "centre": ((CENTRE - mean) / std).tolist(),
                "width": 2 * RADIUS / std[0].item(),
                "height": 2 * RADIUS / std[1].item(),
                "label": "the true circle",
            },
        },
    )


def _transform(mean: Tensor, std: Tensor) -> Transform:
    """Return the way from points of the square to inputs, which is computed in float32."""
    columns = list(map(Number, FEATURES, mean.tolist(), std.tolist()))
    return Transform(columns, Classes("label", CLASSES), FEATURES, dtype="float32")


def _inside(points: Tensor) -> Tensor:
    """The label of each point of the square: |p − c| < r.  (n, 2) -> (n,)"""
    return (points - CENTRE).square().sum(1) < RADIUS**2


def _draw(n: int, generator: torch.Generator) -> Tensor:
    """Points uniform in the square [0, 1]².  -> (n, 2)"""
    return torch.rand(n, 2, generator=generator, dtype=torch.float32, device=generator.device)


def _draw_balanced(n: int, generator: torch.Generator) -> Tensor:
    """Uniform points again, the first n/2 inside and the first n/2 outside, shuffled.  -> (n, 2)"""
    points = _draw(2 * n, generator)
    while min(_inside(points).sum(), (~_inside(points)).sum()) < n // 2:
        points = torch.cat([points, _draw(n, generator)])
    label = _inside(points)
    chosen = torch.cat([points[label][: n // 2], points[~label][: n // 2]])
    return chosen[torch.randperm(n, generator=generator, device=generator.device)]
