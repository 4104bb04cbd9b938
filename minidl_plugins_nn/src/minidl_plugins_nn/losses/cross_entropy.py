"""The cross-entropy of logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import ArgumentError, Example, ShapeError, check_alike, check_no_graph
from minidl_plugins_nn.finite import finite_number
from minidl_plugins_nn.half import wide
from minidl_plugins_nn.losses.class_loss import ClassLoss, class_examples, draw_indices
from minidl_plugins_nn.losses.reduced import check_prediction

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CrossEntropyLoss"]


class CrossEntropyLoss(ClassLoss):
    """J = −Σₙ Σᵢ wᵢ qₙᵢ log softmax(X)ₙᵢ / D: the cross-entropy of the target's distributions q.

    For class indices q is 1 at tₙ, and D = Σₙ w[tₙ] over what is not ignored; a mean over nothing
    is NaN, as in torch. A floating-point target of X's shape is q itself, and D is the number of
    rows. Label smoothing ε replaces q by (1 − ε) q + ε/C. With ``reduction="sum"`` D is 1.

    Shapes: X (N, C, *) and T (N, *) or (N, C, *); or X (C,) and T () or (C,).

    Args:
        weight: w, one for each class, (C,); 1 when left out.
        ignore_index: the index of places that do not count; not for probabilities.
        reduction: ``"mean"`` or ``"sum"``.
        label_smoothing: ε, from 0 to 1.
        dim: where the classes are, if not in dimension 1 (0 of a single row): -1 for X (N, *, C).

    Raises:
        ArgumentError: another `reduction`; `weight` is no tensor; ε is outside of [0, 1]; an index
            of no class; an `ignore_index` of a class together with probabilities.
        ShapeError: the shapes do not fit, or the prediction is empty.
        DtypeError, DeviceError: the tensors differ in dtype or device.
    """

    traceable = True

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        dim: int | None = None,
    ) -> None:
        super().__init__(weight, ignore_index=ignore_index, reduction=reduction, dim=dim)
        self.label_smoothing = finite_number(self, "label_smoothing", label_smoothing)
        if not 0 <= label_smoothing <= 1:
            raise ArgumentError(
                f"label_smoothing must be from 0 to 1, got {label_smoothing!r}",
                where="CrossEntropyLoss",
            )

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        check_prediction(self, prediction)
        check_no_graph(self, "target", target)
        dim = self.class_dim(prediction)
        log_p = prediction.log_softmax(dim)
        if target.is_floating_point():
            a = self._of_probabilities(prediction, target, dim)
            self.push((log_p, None, None, a, dim))
            return -wide(a * log_p).sum().to(log_p.dtype)
        indices, w = self.counted(prediction, target, dim)
        total = self.total(w)
        hard = w * (1 - self.label_smoothing)  # a of the target's class
        value = -wide(hard * self.picked(log_p, indices, dim)).sum()
        soft = None  # a of every class, through label smoothing
        if self.label_smoothing:
            counts = (target != self.ignore_index).to(log_p.dtype).unsqueeze(dim)
            even = self.label_smoothing / log_p.shape[dim]
            soft = self._weighted((counts * even).expand_as(log_p), dim)
            value = value - wide(soft * log_p).sum()
            soft = soft * self.share_of(total)
        self.push((log_p, soft, indices, hard * self.share_of(total), dim))
        return (value / total).to(log_p.dtype)

    # With J = −Σ a log p:  dJ/dX = p Σᵢ aᵢ − a, in each row
    def backward(self) -> Tensor:
        kept: tuple[Tensor, Tensor | None, Tensor | None, Tensor, int] = self.pop()
        log_p, soft, indices, hard, dim = kept
        if indices is None:  # probabilities: a is all in `hard`
            return log_p.exp() * hard.sum(dim, keepdim=True) - hard
        hard = hard.unsqueeze(dim)
        if soft is None:
            dx = log_p.exp() * hard
        else:
            dx = log_p.exp() * (hard + soft.sum(dim, keepdim=True)) - soft
        return dx.scatter_add(dim, indices.unsqueeze(dim), -hard)

    def _of_probabilities(self, x: Tensor, target: Tensor, dim: int) -> Tensor:
        """Return w q / D."""
        check_alike(self, "target", target, "prediction", x)
        if target.shape != x.shape:
            raise ShapeError(
                f"expected probabilities of the prediction's shape {tuple(x.shape)}, got "
                f"{tuple(target.shape)}; class indices are whole numbers: target.long()",
                where=self,
            )
        if self.ignore_index >= 0:
            raise ArgumentError(
                "ignore_index is for class indices, and the target holds probabilities; leave it "
                "out",
                where=self,
            )
        classes, smoothing = x.shape[dim], self.label_smoothing
        rows = x.numel() // classes if self.reduction == "mean" else 1
        q = target * (1 - smoothing) + smoothing / classes if smoothing else target
        return self._weighted(q, dim) / rows

    def _weighted(self, q: Tensor, dim: int) -> Tensor:
        if self.weight is None:
            return q
        return q * self.weight.reshape([-1 if d == dim else 1 for d in range(q.ndim)])

    @classmethod
    def examples(cls) -> list[Example]:
        def probabilities(generator: torch.Generator, shape: tuple[int, ...]) -> tuple[Tensor, ...]:
            x, target = torch.randn((2, *shape), generator=generator)
            return x, target.softmax(1)

        smooth = {"label_smoothing": 0.25, "dim": -1}
        return [
            *class_examples(cls),
            Example(smooth, shapes=[(2, 4, 3)], draw=draw_indices(-1)),
            Example(shapes=[(4, 3)], draw=probabilities),
        ]
