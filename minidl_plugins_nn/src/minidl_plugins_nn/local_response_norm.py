"""Normalisation by neighbouring channels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    ShapeError,
    check_grad_output,
)
from minidl_plugins_nn.activations.elementwise import check_input as check_floating
from minidl_plugins_nn.image_sizes import whole_number
from minidl_plugins_nn.windows import average, average_backward

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LocalResponseNorm"]


class LocalResponseNorm(BaseModule):
    """y_c = x_c (k + α/size Σ x_j²)^−β, with the sum over `size` channels around c.

    The channels run from c − ⌊size / 2⌋ to c + ⌊(size − 1) / 2⌋; those that are not there count
    as 0.

    Shapes: x and y (n, C, ...), with at least one dimension after the channels.

    Args:
        size: the number of channels.
        alpha, beta, k: the numbers α, β and k.

    Raises:
        ArgumentError: a value that there is not.
        ShapeError: the input does not fit.
        ParameterError: the input records a graph of torch's autograd.

    Reference: A. Krizhevsky, I. Sutskever and G. E. Hinton, ImageNet classification with deep
    convolutional neural networks, NeurIPS 2012.
    """

    traceable = True

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        where = "LocalResponseNorm"
        self.size = whole_number(where, "size", size)
        for name, number in (("alpha", alpha), ("beta", beta), ("k", k)):
            if not isinstance(number, (int, float)) or isinstance(number, bool):
                raise ArgumentError(f"{name} must be a number, got {number!r}", where=where)
        self.alpha, self.beta, self.k = alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        check_floating(self, x)
        if x.ndim < 3 or 0 in x.shape[1:]:
            raise ShapeError(
                "expected an input of shape (batch, channels, ...), none of them 0, got "
                f"{tuple(x.shape)}",
                where=self,
            )
        rows, channels, *room = x.shape
        planes = x.square().reshape(rows, 1, channels, math.prod(room))
        padded = torch.ops.aten.constant_pad_nd(planes, self._pads(), 0.0)
        s = self.k + self.alpha * average(padded, *self._window()).view(x.shape)
        self.push((x, s))
        return x * s.pow(-self.beta)

    # y = x s^−β with s = k + α A x², where A is the mean over the window:
    # dx = dy s^−β − 2 α β x Aᵀ(dy x s^(−β−1)).
    def backward(self, grad_output: Tensor) -> Tensor:
        x, s = self.pop()
        check_grad_output(self, grad_output, x.shape)
        slope = grad_output * s.pow(-self.beta)
        rows, channels, *room = x.shape
        spread = (slope * x / s).reshape(rows, 1, channels, math.prod(room))
        wide = (rows, 1, channels + self.size - 1, math.prod(room))
        padded = average_backward(spread, wide, *self._window())
        through = torch.ops.aten.constant_pad_nd(padded, [-pad for pad in self._pads()], 0.0)
        dx: Tensor = slope - 2 * self.alpha * self.beta * x * through.view(x.shape)
        return dx

    def _window(self) -> tuple[list[int], list[int], list[int]]:
        return [self.size, 1], [1, 1], [0, 0]

    def _pads(self) -> list[int]:
        return [0, 0, self.size // 2, (self.size - 1) // 2]

    def summary(self) -> str:
        numbers = f"alpha: {self.alpha:g}, beta: {self.beta:g}, k: {self.k:g}"
        return f"LocalResponseNorm, size: {self.size}, {numbers}"

    def __repr__(self) -> str:
        return f"LocalResponseNorm({self.size})"

    @classmethod
    def examples(cls) -> list[Example]:
        strong = {"size": 2, "alpha": 1.0, "beta": 0.5, "k": 2.0}
        twin = "torch.nn.LocalResponseNorm"
        return [
            Example({"size": 3, "alpha": 0.5}, shapes=[(2, 5, 3, 2)], reference=twin),
            Example(strong, shapes=[(2, 3, 2, 2)], reference=twin),
        ]
