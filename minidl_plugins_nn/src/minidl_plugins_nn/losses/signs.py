"""Losses of targets ±1: SoftMarginLoss, HingeEmbeddingLoss, MarginRankingLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from minidl_core import Example, ShapeError, check_alike
from minidl_plugins_nn.finite import finite_number
from minidl_plugins_nn.losses.reduced import (
    ElementwiseLoss,
    ReducedLoss,
    check_prediction,
    check_signs,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["HingeEmbeddingLoss", "MarginRankingLoss", "SoftMarginLoss"]


class SignLoss(ElementwiseLoss):
    """An elementwise loss whose targets are ±1, of any dtype."""

    def check_target(self, prediction: Tensor, target: Tensor) -> None:
        check_signs(self, prediction, target)

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example(shapes=[(4, 3)], draw=draw_signs),
            Example({"reduction": "sum"}, shapes=[(2, 3, 2)], draw=draw_signs),
        ]


class SoftMarginLoss(SignLoss):
    """J = 1/N Σᵢ log(1 + e^(−yᵢ xᵢ)), which does not overflow, with yᵢ = ±1.

    Args:
        reduction: ``"mean"`` or ``"sum"``.

    Raises:
        ArgumentError: another `reduction`.
        ShapeError: prediction and target differ in shape, or are empty.
        DtypeError, DeviceError: the prediction is of whole numbers; the devices differ.
    """

    def values(self, x: Tensor, target: Tensor) -> Tensor:
        return -functional.logsigmoid(target * x)

    # v'(x) = −y σ(−y x)
    def slopes(self, x: Tensor, target: Tensor) -> Tensor:
        return -target * (-target * x).sigmoid()


class HingeEmbeddingLoss(SignLoss):
    """J = 1/N Σᵢ vᵢ, with v = x where y = 1, and v = max(0, margin − x) where y = −1.

    Here x is a distance. Where y is neither 1 nor −1, v is the sum of the two, as in torch.

    Args:
        margin: how large the distance must be where y = −1.
        reduction: ``"mean"`` or ``"sum"``.

    Raises:
        ArgumentError: another `reduction`, or `margin` is no finite number.
        ShapeError: prediction and target differ in shape, or are empty.
        DtypeError, DeviceError: the prediction is of whole numbers; the devices differ.
    """

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = finite_number(self, "margin", margin)

    def values(self, x: Tensor, target: Tensor) -> Tensor:
        hinge = (self.margin - x).clamp(min=0)
        return hinge.masked_fill(target == 1, 0) + x.masked_fill(target == -1, 0)

    # v'(x) = 1 where y = 1, and −1 where y = −1 and x ≤ margin
    def slopes(self, x: Tensor, target: Tensor) -> Tensor:
        far = ((target != 1) & (x <= self.margin)).to(x.dtype)
        return (target != -1).to(x.dtype) - far

    @classmethod
    def examples(cls) -> list[Example]:
        return [*super().examples(), Example({"margin": 0.5}, shapes=[(4, 3)], draw=draw_signs)]


class MarginRankingLoss(ReducedLoss):
    """J = 1/N Σᵢ max(0, −yᵢ (aᵢ − bᵢ) + margin): a must be above b where y = 1, below where −1.

    ``forward(input1, input2, target)``, all of one shape; ``backward()`` returns two gradients.

    Args:
        margin: by how much.
        reduction: ``"mean"`` or ``"sum"``.

    Raises:
        ArgumentError: another `reduction`, or `margin` is no finite number.
        ShapeError: the shapes differ, or are empty.
        DtypeError, DeviceError: the inputs differ; the target is on another device.
    """

    traceable = True

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = finite_number(self, "margin", margin)

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        check_prediction(self, input1, "first input")
        check_alike(self, "second input", input2, "first input", input1)
        check_signs(self, input1, target)
        if not input1.shape == input2.shape == target.shape:
            raise ShapeError(
                f"expected two inputs and a target of one shape, got {tuple(input1.shape)}, "
                f"{tuple(input2.shape)} and {tuple(target.shape)}; nothing is broadcast",
                where=self,
            )
        hinge = self.margin - target * (input1 - input2)
        self.push((hinge, target))
        return self.reduced(hinge.clamp(min=0))

    # dJ/da = −y/N where the hinge is open, dJ/db = y/N
    def backward(self) -> tuple[Tensor, Tensor]:
        kept: tuple[Tensor, Tensor] = self.pop()
        hinge, target = kept
        db = target * (hinge >= 0).to(hinge.dtype) * self.share(hinge)
        return -db, db

    @classmethod
    def examples(cls) -> list[Example]:
        shapes = [(6, 2), (6, 2)]
        return [
            Example(shapes=shapes, draw=draw_signs),
            Example({"margin": 0.5, "reduction": "sum"}, shapes=shapes, draw=draw_signs),
        ]


def draw_signs(generator: torch.Generator, *shapes: tuple[int, ...]) -> tuple[Any, ...]:
    """Draw a prediction of each shape, and a target of ±1."""
    signs = torch.randint(2, shapes[0], generator=generator) * 2 - 1
    return *(torch.randn(shape, generator=generator) for shape in shapes), signs
