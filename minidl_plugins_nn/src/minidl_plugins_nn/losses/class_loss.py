"""What losses of class indices have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import (
    ArgumentError,
    DeviceError,
    DtypeError,
    Example,
    ShapeError,
    check_alike,
    check_no_graph,
)
from minidl_plugins_nn.half import wide
from minidl_plugins_nn.losses.reduced import ReducedLoss

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["ClassLoss", "class_examples", "draw_indices"]


class ClassLoss(ReducedLoss):
    """What NLLLoss and CrossEntropyLoss have in common: a weight for each class, and indices."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        dim: int | None = None,
    ) -> None:
        super().__init__(reduction=reduction)
        self.keep_weight("weight", weight)
        for name, number in (("ignore_index", ignore_index), ("dim", dim or 0)):
            if not isinstance(number, int) or isinstance(number, bool):
                raise ArgumentError(
                    f"{name} must be a whole number, got {number!r}", where=type(self).__name__
                )
        self.ignore_index = ignore_index
        self.dim = dim

    def class_dim(self, x: Tensor) -> int:
        """Return where the classes are: 1, or 0 for one row, unless `dim` says otherwise."""
        dim = self.dim if self.dim is not None else min(1, x.ndim - 1)
        if not -x.ndim <= dim < x.ndim:
            raise ShapeError(
                f"expected a prediction with its classes in dimension {dim}, got one of shape "
                f"{tuple(x.shape)}",
                where=self,
            )
        dim %= x.ndim
        if self.weight is not None:
            check_alike(self, "weight", self.weight, "prediction", x)
            if self.weight.shape != (x.shape[dim],):
                raise ShapeError(
                    f"expected a weight for each of {x.shape[dim]} classes, got one of shape "
                    f"{tuple(self.weight.shape)}",
                    where=self,
                )
        return dim

    def counted(self, x: Tensor, target: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        """Return the indices, with 0 for what is ignored, and the weight of each (0 if ignored)."""
        check_no_graph(self, "target", target)
        expected = x.shape[:dim] + x.shape[dim + 1 :]
        if target.is_floating_point() or target.dtype == torch.bool:
            raise DtypeError(
                f"expected a target of class indices, got {target.dtype}; convert it: "
                "target.long()",
                where=self,
            )
        if target.shape != expected:
            last = "; build the loss with dim=-1 if the classes are in the last dimension"
            raise ShapeError(
                f"expected class indices of shape {tuple(expected)} for a prediction of shape "
                f"{tuple(x.shape)} with its classes in dimension {dim}, got {tuple(target.shape)}"
                f"{last if target.shape == x.shape[:-1] else ''}",
                where=self,
            )
        if target.device != x.device:
            raise DeviceError(
                f"expected the target on the device of the prediction, {x.device}, got "
                f'{target.device}; move it: target.to("{x.device}")',
                where=self,
            )
        indices = target.long()
        is_counted = indices != self.ignore_index
        indices = torch.where(is_counted, indices, 0)
        if self.weight is None:
            return indices, is_counted.to(x.dtype)
        try:
            return indices, self.weight[indices] * is_counted
        except IndexError:
            raise self._wrong_index(x.shape[dim]) from None

    def picked(self, x: Tensor, indices: Tensor, dim: int) -> Tensor:
        """Return the element of each index."""
        try:
            return x.gather(dim, indices.unsqueeze(dim)).squeeze(dim)
        except RuntimeError:
            raise self._wrong_index(x.shape[dim]) from None

    def total(self, weights: Tensor) -> Tensor:
        """Return what the sum is divided by: for the mean, the weights' sum (wide)."""
        return wide(weights).sum() if self.reduction == "mean" else weights.new_ones(())

    def share_of(self, total: Tensor) -> Tensor:
        """Return 1 / total, and 0 where nothing counts: the mean of nothing has no gradient."""
        return total.reciprocal().masked_fill(total == 0, 0)

    def _wrong_index(self, classes: int) -> ArgumentError:
        return ArgumentError(
            f"expected class indices from 0 to {classes - 1}, or {self.ignore_index} for what is "
            "ignored, got another one in the target",
            where=self,
        )


def class_examples(cls: type) -> list[Example]:
    """Return examples with class indices, ignored places and weights."""

    def weighted(dtype: torch.dtype | None = None) -> object:
        return cls(torch.tensor([0.5, 2.0, 1.5], dtype=dtype), reduction="sum")

    return [
        Example(shapes=[(4, 3)], draw=draw_indices(1)),
        Example({"ignore_index": 1}, shapes=[(4, 3, 2)], draw=draw_indices(1)),
        Example(shapes=[(4, 3)], draw=draw_indices(1), make=weighted),
    ]


def draw_indices(dim: int) -> Callable[..., tuple[Tensor, Tensor]]:
    """Return a function that draws predictions, and class indices for them."""

    def draw(generator: torch.Generator, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        x = torch.randn(shape, generator=generator)
        classes = shape[dim]
        rows = list(shape)
        del rows[dim]
        return x, torch.randint(classes, rows, generator=generator)

    return draw
