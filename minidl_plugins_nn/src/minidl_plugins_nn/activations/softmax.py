"""Softmax and its relatives, over one dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    ShapeError,
    check_grad_output,
    check_no_graph,
)
from minidl_plugins_nn.activations.elementwise import check_input

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LogSoftmax", "Softmax", "Softmax2d", "Softmin"]

aten = torch.ops.aten


class AlongDimension(BaseModule):
    """What acts along one dimension `dim` of its input.

    Raises:
        ArgumentError: `dim` is no whole number; torch's guess at one that is left out is not made.
        ShapeError: the input has no such dimension.
        DtypeError: the input is not of a floating-point dtype.
    """

    traceable = True

    def __init__(self, dim: int | None = None) -> None:
        if not isinstance(dim, int) or isinstance(dim, bool):
            raise ArgumentError(
                f"dim must be the dimension to normalise over, got {dim!r}; write dim=-1 for the "
                "last one",
                where=type(self).__name__,
            )
        self.dim = dim

    def check(self, x: Tensor) -> None:
        check_input(self, x)
        if not -max(x.ndim, 1) <= self.dim < max(x.ndim, 1):
            raise ShapeError(
                f"expected an input with a dimension {self.dim}, got one of shape {tuple(x.shape)}",
                where=self,
            )

    def summary(self) -> str:
        return f"{type(self).__name__}, dim: {self.dim}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example({"dim": -1}, shapes=[(4, 3)]),
            Example({"dim": 1}, shapes=[(2, 3, 2)]),
            Example({"dim": 0}, shapes=[(3, 2)]),
        ]


class Softmax(AlongDimension):
    """Y = e^X / Σ e^X, the sum over one dimension.

    Args:
        dim: the dimension; it must be given.
    """

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        self.check(x)
        y = x.softmax(self.dim)
        self.push(y)
        return y

    # dyᵢ/dxⱼ = yᵢ (δᵢⱼ − yⱼ):  dX = Y (dY − Σ dY Y)
    def backward(self, grad_output: Tensor) -> Tensor:
        y: Tensor = self.pop()
        check_grad_output(self, grad_output, y.shape)
        result: Tensor = aten._softmax_backward_data(grad_output, y, self.dim, y.dtype)
        return result

    @staticmethod
    def plain_backward(dy: Tensor, y: Tensor, dim: int) -> Tensor:
        """Return what torch's operation gives, by the formula."""
        return y * (dy - (dy * y).sum(dim, keepdim=True))


class Softmin(Softmax):
    """Y = e^(−X) / Σ e^(−X), the sum over one dimension.

    Args:
        dim: the dimension; it must be given.
    """

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        check_input(self, x)
        return super().forward(-x)

    # Y = softmax(−X), so that the gradient changes its sign
    def backward(self, grad_output: Tensor) -> Tensor:
        return -super().backward(grad_output)


class LogSoftmax(AlongDimension):
    """Y = X − log Σ e^X, the sum over one dimension; it does not overflow.

    Args:
        dim: the dimension; it must be given.
    """

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        self.check(x)
        y = x.log_softmax(self.dim)
        self.push(y)
        return y

    # dyᵢ/dxⱼ = δᵢⱼ − e^yⱼ:  dX = dY − e^Y Σ dY
    def backward(self, grad_output: Tensor) -> Tensor:
        y: Tensor = self.pop()
        check_grad_output(self, grad_output, y.shape)
        result: Tensor = aten._log_softmax_backward_data(grad_output, y, self.dim, y.dtype)
        return result

    @staticmethod
    def plain_backward(dy: Tensor, y: Tensor, dim: int) -> Tensor:
        """Return what torch's operation gives, by the formula."""
        return dy - y.exp() * dy.sum(dim, keepdim=True)


class Softmax2d(Softmax):
    """Softmax over the channels of each place of an image.

    Shapes: X and Y (N, C, H, W) or (C, H, W).

    Raises:
        ShapeError: the input has another number of dimensions.
        DtypeError: the input is not of a floating-point dtype.
    """

    traceable = True

    def __init__(self) -> None:
        super().__init__(-3)

    def forward(self, x: Tensor) -> Tensor:
        check_no_graph(self, "input", x)
        if x.ndim not in (3, 4):
            raise ShapeError(
                f"expected an input of shape (batch, channels, height, width) or (channels, "
                f"height, width), got {tuple(x.shape)}",
                where=self,
            )
        return super().forward(x)

    def summary(self) -> str:
        return "Softmax over Channels"

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example(shapes=[(2, 3, 2, 2)]), Example(shapes=[(3, 2, 4)], batch_axis=None)]
