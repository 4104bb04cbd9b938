"""The mean squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    ShapeError,
    check_alike,
    check_no_graph,
)
from minidl_plugins_basic.floating import check_floating

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["MSELoss"]

HALF = (torch.float16, torch.bfloat16)


class MSELoss(BaseModule):
    """J(X, L) = 1/N Σᵢ (xᵢ − lᵢ)², the mean over all N elements (not over rows only).

    Shapes: prediction X and target L alike, of any shape; J is a scalar. The sum of half-precision
    elements is accumulated in float32, as in torch.

    Args:
        reduction: ``"mean"``, or ``"sum"`` for Σᵢ (xᵢ − lᵢ)².

    Raises:
        ArgumentError: another `reduction`; a loss is a scalar, so there is no ``"none"``.
        ShapeError: the shapes differ, even where they would broadcast, or there is no element.
        DtypeError, DeviceError: prediction and target differ in dtype or device, or are of
            whole numbers.
        ParameterError: one of them records a graph of torch's autograd.
    """

    traceable = True
    reduction: Literal["mean", "sum"] = "mean"

    def __init__(self, reduction: Literal["mean", "sum"] = "mean") -> None:
        if reduction not in ("mean", "sum"):
            raise ArgumentError(
                f"reduction must be 'mean' or 'sum', for a loss is a scalar, got {reduction!r}",
                where="MSELoss",
            )
        self.reduction = reduction

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        check_floating(self, prediction, "prediction")
        check_no_graph(self, "target", target)
        if prediction.shape != target.shape:
            raise ShapeError(
                f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} must have "
                "the same shape; reshape the target, for it is never broadcast",
                where=self,
            )
        if prediction.numel() == 0:
            raise ShapeError(
                f"expected at least one element to take the mean of, got an empty batch of shape "
                f"{tuple(prediction.shape)}; leave empty batches out",
                where=self,
            )
        check_alike(self, "target", target, "prediction", prediction)
        difference = prediction - target
        self.push(difference)
        wide = difference.float() if difference.dtype in HALF else difference
        squares = wide.square()
        value = squares.mean() if self.reduction == "mean" else squares.sum()
        return value.to(difference.dtype)

    # dJ/dX = 2 (X − L) / N, and without N for the sum
    def backward(self) -> Tensor:
        difference: Tensor = self.pop()
        return difference * (2 / difference.numel() if self.reduction == "mean" else 2)

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example(shapes=[(4, 3)]), Example({"reduction": "sum"}, shapes=[(2, 3)])]

    def summary(self) -> str:
        return "Mean Squared Error"
