"""Margins between classes: MultiMarginLoss and MultiLabelMarginLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import ArgumentError, DtypeError, Example, ShapeError, check_alike, check_no_graph
from minidl_plugins_nn.finite import finite_number
from minidl_plugins_nn.losses.class_loss import draw_indices
from minidl_plugins_nn.losses.reduced import ReducedLoss, check_labels, check_prediction

if TYPE_CHECKING:
    from torch import Size, Tensor

__all__ = ["MultiLabelMarginLoss", "MultiMarginLoss"]


class MultiMarginLoss(ReducedLoss):
    """J = 1/(NC) Σₙ w[tₙ] Σ_{i ≠ tₙ} max(0, margin − X[n, tₙ] + X[n, i])ᵖ over N rows, C classes.

    Shapes: X (N, C) and T (N,), or X (C,) and T ().

    Args:
        p: 1 or 2.
        margin: by how much the target's class must be above the others.
        weight: w, one for each class, (C,); 1 when left out.
        reduction: ``"mean"`` or ``"sum"``, over the rows.

    Raises:
        ArgumentError: another `reduction` or `p`; `margin` is no finite number; `weight` is no
            tensor; an index of no class.
        ShapeError: the shapes do not fit, or the prediction is empty.
        DtypeError, DeviceError: the tensors differ, or the target is not of whole numbers.
    """

    traceable = True

    weight: Tensor | None

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        *,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if p not in (1, 2):
            raise ArgumentError(f"p must be 1 or 2, got {p!r}", where="MultiMarginLoss")
        self.p = p
        self.margin = finite_number(self, "margin", margin)
        self.keep_weight("weight", weight)

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        check_no_graph(self, "prediction", prediction)
        check_indices(self, prediction, target, prediction.shape[:-1])
        w = self._weights(prediction, target)
        indices = target.long().unsqueeze(-1)
        try:
            hinge = (self.margin - prediction.gather(-1, indices) + prediction).clamp(min=0)
        except RuntimeError:
            raise no_class(self, prediction) from None
        hinge = hinge.scatter(-1, indices, 0.0)  # i ≠ t
        self.push((hinge, indices, w))
        return self.reduced((w * hinge**self.p).mean(-1))

    # dX[n, i] = p hᵖ⁻¹ w/(NC) where the hinge h is open, and the target's class minus their sum
    def backward(self) -> Tensor:
        kept: tuple[Tensor, Tensor, Tensor] = self.pop()
        hinge, indices, w = kept
        slope = 2 * hinge if self.p == 2 else hinge.sign()
        dx = w * slope * (self.share(hinge[..., 0]) / hinge.shape[-1])
        return dx.scatter_add(-1, indices, -dx.sum(-1, keepdim=True))

    def _weights(self, x: Tensor, target: Tensor) -> Tensor:
        """Return the weight of each row, (N, 1)."""
        if self.weight is None:
            return x.new_ones(())
        check_alike(self, "weight", self.weight, "prediction", x)
        if self.weight.shape != x.shape[-1:]:
            raise ShapeError(
                f"expected a weight for each of {x.shape[-1]} classes, got one of shape "
                f"{tuple(self.weight.shape)}",
                where=self,
            )
        try:
            return self.weight[target.long()].unsqueeze(-1)
        except IndexError:
            raise no_class(self, x) from None

    @classmethod
    def examples(cls) -> list[Example]:
        def weighted(dtype: torch.dtype | None = None) -> MultiMarginLoss:
            return cls(weight=torch.tensor([0.5, 2.0, 1.5], dtype=dtype))

        other = {"p": 2, "margin": 0.5, "reduction": "sum"}
        return [
            Example(shapes=[(4, 3)], draw=draw_indices(1)),
            Example(other, shapes=[(4, 3)], draw=draw_indices(1)),
            Example(shapes=[(4, 3)], draw=draw_indices(1), make=weighted),
        ]


class MultiLabelMarginLoss(ReducedLoss):
    """J = 1/(NC) Σₙ Σⱼ Σᵢ max(0, 1 − X[n, tₙⱼ] + X[n, i]), over labels tₙⱼ and classes i not among.

    The labels of a row are the first of its targets, up to the first that is negative.

    Shapes: X and T (N, C), or (C,).

    Args:
        reduction: ``"mean"`` or ``"sum"``, over the rows.

    Raises:
        ArgumentError: another `reduction`, or an index of no class.
        ShapeError: the shapes differ, or the prediction is empty.
        DtypeError, DeviceError: the target is not of whole numbers, or on another device.
    """

    traceable = True

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        check_no_graph(self, "prediction", prediction)
        check_indices(self, prediction, target, prediction.shape)
        is_label = (target >= 0).long().cumprod(-1).bool()
        indices = torch.where(is_label, target.long(), 0)
        try:
            x_label = prediction.gather(-1, indices)
        except RuntimeError:
            raise no_class(self, prediction) from None
        labels = torch.zeros_like(prediction).scatter_add(-1, indices, is_label.to(x_label.dtype))
        pairs = is_label.unsqueeze(-1) & (labels == 0).unsqueeze(-2)  # (N, label j, class i)
        hinge = 1 - x_label.unsqueeze(-1) + prediction.unsqueeze(-2)
        hinge = hinge.clamp(min=0) * pairs
        self.push((hinge, indices))
        return self.reduced(hinge.sum((-2, -1)) / prediction.shape[-1])

    # with s = 1/(NC) where the hinge of (j, i) is open:  dX[i] = Σⱼ s,  dX[tⱼ] −= Σᵢ s
    def backward(self) -> Tensor:
        kept: tuple[Tensor, Tensor] = self.pop()
        hinge, indices = kept
        s = hinge.sign() * (self.share(hinge[..., 0, 0]) / hinge.shape[-1])
        return s.sum(-2).scatter_add(-1, indices, -s.sum(-1))

    @classmethod
    def examples(cls) -> list[Example]:
        def draw(generator: torch.Generator, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
            x = torch.randn(shape, generator=generator)
            labels = torch.rand(shape, generator=generator).argsort(-1)
            return x, torch.where(torch.arange(shape[-1]) < 2, labels, -1)

        return [
            Example(shapes=[(4, 3)], draw=draw),
            Example({"reduction": "sum"}, shapes=[(3, 5)], draw=draw),
        ]


def check_indices(layer: object, x: Tensor, target: Tensor, expected: Size) -> None:
    """Check a prediction (N, C) or (C,), and a target of class indices of the shape `expected`."""
    check_prediction(layer, x)
    check_labels(layer, x, target)
    if target.is_floating_point() or target.dtype == torch.bool:
        raise DtypeError(
            f"expected a target of class indices, got {target.dtype}; convert it: target.long()",
            where=layer,
        )
    if x.ndim not in (1, 2) or target.shape != expected:
        raise ShapeError(
            f"expected a prediction of shape (batch, classes) and a target of shape "
            f"{'(batch,)' if len(expected) < x.ndim else '(batch, classes)'}, got "
            f"{tuple(x.shape)} and {tuple(target.shape)}",
            where=layer,
        )


def no_class(layer: object, x: Tensor) -> ArgumentError:
    return ArgumentError(
        f"expected class indices from 0 to {x.shape[-1] - 1}, got another one in the target",
        where=layer,
    )
