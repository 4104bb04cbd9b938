"""The negative log-likelihood of class indices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_plugins_nn.half import wide
from minidl_plugins_nn.losses.class_loss import ClassLoss, class_examples
from minidl_plugins_nn.losses.reduced import check_prediction

if TYPE_CHECKING:
    from torch import Size, Tensor

    from minidl_core import Example

__all__ = ["NLLLoss"]


class NLLLoss(ClassLoss):
    """J = −Σₙ wₙ X[n, tₙ] / Σₙ wₙ, where X holds log-probabilities and wₙ is the weight of tₙ.

    A mean over places whose targets are all ignored is 0/0, NaN, as in torch.

    Shapes: X (N, C, *) and T (N, *), or X (C,) and T ().

    Args:
        weight: one for each class, (C,); 1 when left out.
        ignore_index: the target of places that do not count.
        reduction: ``"mean"``, weighted as above, or ``"sum"``, which divides by nothing.
        dim: where the classes are, if not in dimension 1 (0 of a single row): -1 for X (N, *, C).

    Raises:
        ArgumentError: another `reduction`; `weight` is no tensor; an index of no class.
        ShapeError: the shapes do not fit, or the prediction is empty.
        DtypeError, DeviceError: the tensors differ, or the target is not of whole numbers.
    """

    traceable = True

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        check_prediction(self, prediction)
        dim = self.class_dim(prediction)
        indices, w = self.counted(prediction, target, dim)
        total = self.total(w)
        self.push((indices, w * self.share_of(total), prediction.shape, dim))
        value = -wide(w * self.picked(prediction, indices, dim)).sum() / total
        return value.to(prediction.dtype)

    # dJ/dX = −aₙ at (n, tₙ), else 0, with aₙ = wₙ / Σ w
    def backward(self) -> Tensor:
        kept: tuple[Tensor, Tensor, Size, int] = self.pop()
        indices, a, shape, dim = kept
        return -a.new_zeros(shape).scatter_add(dim, indices.unsqueeze(dim), a.unsqueeze(dim))

    @classmethod
    def examples(cls) -> list[Example]:
        return class_examples(cls)
