"""Losses of yes-or-no targets: BCELoss, BCEWithLogitsLoss, MultiLabelSoftMarginLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from minidl_core import Example, ShapeError, check_alike
from minidl_plugins_nn.losses.reduced import (
    ElementwiseLoss,
    ReducedLoss,
    check_labels,
    check_prediction,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BCELoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss"]


class BCELoss(ElementwiseLoss):
    """J = −1/N Σᵢ wᵢ (tᵢ log xᵢ + (1 − tᵢ) log(1 − xᵢ)), where X holds probabilities.

    Logarithms are taken as at least −100, and x (1 − x) in the derivative as at least 1e-12, as in
    torch. A prediction outside of [0, 1] makes the loss NaN, which ``train`` refuses. Where X
    comes from a Sigmoid, BCEWithLogitsLoss computes both at once without losing precision.

    Args:
        weight: w, which broadcasts to the prediction's shape; none when left out.
        reduction: ``"mean"`` (over all N elements, whatever w) or ``"sum"``.

    Raises:
        ArgumentError: another `reduction`, or `weight` is no tensor.
        ShapeError: prediction and target differ in shape, are empty, or do not fit w.
        DtypeError, DeviceError: the tensors differ in dtype or device.
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.keep_weight("weight", weight)

    def values(self, x: Tensor, target: Tensor) -> Tensor:
        yes, no = x.log().clamp(min=-100), (1 - x).log().clamp(min=-100)
        return times(self, self.weight, -(target * yes + (1 - target) * no))

    # dv/dx = w (x − t) / (x (1 − x))
    def slopes(self, x: Tensor, target: Tensor) -> Tensor:
        return times(self, self.weight, (x - target) / (x * (1 - x)).clamp(min=1e-12))

    @classmethod
    def examples(cls) -> list[Example]:
        weight = torch.tensor([0.5, 2.0, 1.5], dtype=torch.float64)
        return [
            Example(shapes=[(4, 3)], low=0.125, high=0.875),
            Example({"reduction": "sum"}, shapes=[(2, 3, 2)], low=0.125, high=0.875),
            weighted(cls, shapes=[(4, 3)], low=0.125, high=0.875, weight=weight),
        ]


class BCEWithLogitsLoss(ElementwiseLoss):
    """J = −1/N Σᵢ wᵢ (p tᵢ log σ(xᵢ) + (1 − tᵢ) log σ(−xᵢ)), where X holds logits.

    Neither overflows, however large X is.

    Args:
        weight: w, which broadcasts to the prediction's shape; none when left out.
        reduction: ``"mean"`` (over all N elements, whatever w) or ``"sum"``.
        pos_weight: p, which broadcasts too: how much a target of 1 counts; 1 when left out.

    Raises:
        ArgumentError: another `reduction`, or a weight is no tensor.
        ShapeError: prediction and target differ in shape, are empty, or do not fit a weight.
        DtypeError, DeviceError: the tensors differ in dtype or device.
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(reduction=reduction)
        self.keep_weight("weight", weight)
        self.keep_weight("pos_weight", pos_weight)

    # −log σ(−x) = x − log σ(x)
    def values(self, x: Tensor, target: Tensor) -> Tensor:
        positive = times(self, self.pos_weight, target)
        v = (1 - target) * x - (positive + 1 - target) * functional.logsigmoid(x)
        return times(self, self.weight, v)

    # d/dx log σ(x) = σ(−x):  dv/dx = w ((1 − t) σ(x) − p t σ(−x)), which is w (σ(x) − t) for p = 1
    def slopes(self, x: Tensor, target: Tensor) -> Tensor:
        positive = times(self, self.pos_weight, target)
        return times(self, self.weight, (1 - target) * x.sigmoid() - positive * (-x).sigmoid())

    @classmethod
    def examples(cls) -> list[Example]:
        weight = torch.tensor([0.5, 2.0, 1.5], dtype=torch.float64)
        return [
            *super().examples(),
            weighted(cls, shapes=[(4, 3)], weight=weight),
            weighted(cls, shapes=[(4, 3)], pos_weight=weight),
        ]


class MultiLabelSoftMarginLoss(ReducedLoss):
    """J = −1/(NC) Σₙ Σᵢ wᵢ (tₙᵢ log σ(xₙᵢ) + (1 − tₙᵢ) log σ(−xₙᵢ)) over N rows of C labels.

    The sum over the rows takes the place of the mean with ``reduction="sum"``; over the labels it
    stays the mean.

    Shapes: X and T (*, C), w (C,).

    Args:
        weight: w, one for each label; none when left out.
        reduction: ``"mean"`` or ``"sum"``.

    Raises:
        ArgumentError: another `reduction`, or `weight` is no tensor.
        ShapeError: prediction and target differ in shape, are empty, or do not fit w.
        DtypeError, DeviceError: the tensors differ in dtype or device.
    """

    traceable = True

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.keep_weight("weight", weight)

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        check_prediction(self, prediction)
        check_labels(self, prediction, target)
        if prediction.shape != target.shape or not prediction.ndim:
            raise ShapeError(
                f"expected a prediction and a target of one shape (batch, labels), got "
                f"{tuple(prediction.shape)} and {tuple(target.shape)}; reshape the target",
                where=self,
            )
        target = target.to(prediction.dtype)
        self.push((prediction, target))
        # −log σ(−x) = x − log σ(x)
        v = (1 - target) * prediction - functional.logsigmoid(prediction)
        return self.reduced(times(self, self.weight, v).mean(-1))

    # dJ/dX = w (σ(X) − T) / (NC)
    def backward(self) -> Tensor:
        kept: tuple[Tensor, Tensor] = self.pop()
        x, target = kept
        scale = self.share(x[..., 0]) / x.shape[-1]
        return times(self, self.weight, x.sigmoid() - target) * scale

    @classmethod
    def examples(cls) -> list[Example]:
        weight = torch.tensor([0.5, 2.0, 1.5], dtype=torch.float64)
        return [
            Example(shapes=[(4, 3)]),
            Example({"reduction": "sum"}, shapes=[(2, 3)]),
            weighted(cls, shapes=[(4, 3)], weight=weight),
        ]


def times(layer: object, weight: Tensor | None, x: Tensor) -> Tensor:
    """Return `weight` x, without broadcasting x.

    Raises:
        ShapeError: the weight does not broadcast to x's shape.
        DtypeError, DeviceError: they differ in dtype or device.
    """
    if weight is None:
        return x
    check_alike(layer, "weight", weight, "prediction", x)
    sizes = zip(reversed(weight.shape), reversed(x.shape), strict=False)
    if weight.ndim > x.ndim or any(size not in (1, full) for size, full in sizes):
        raise ShapeError(
            f"expected a weight that broadcasts to the prediction's shape {tuple(x.shape)}, got "
            f"{tuple(weight.shape)}",
            where=layer,
        )
    return weight * x


def weighted(
    cls: type,
    *,
    shapes: list[tuple[int, ...]],
    low: float = -2.0,
    high: float = 2.0,
    **weights: Tensor,
) -> Example:
    """Return an example whose weights have the dtype that the kit asks for."""

    def make(dtype: torch.dtype | None = None, **others: object) -> object:
        return cls(**{name: weight.to(dtype) for name, weight in weights.items()}, **others)

    return Example(shapes=shapes, low=low, high=high, make=make)
