"""The gated linear unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from minidl_core import ArgumentError, BaseModule, Example, ShapeError, check_grad_output
from minidl_plugins_nn.activations.elementwise import check_input

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["GLU"]

aten = torch.ops.aten


class GLU(BaseModule):
    """Y = A σ(B), where A and B are the two halves of X along one dimension.

    Shapes: X (*, 2n, *), Y (*, n, *).

    Args:
        dim: the dimension that is halved.

    Raises:
        ArgumentError: `dim` is no whole number.
        ShapeError: the input has no such dimension, or it is of odd size.
        DtypeError: the input is not of a floating-point dtype.

    Reference: Y. Dauphin et al., Language modeling with gated convolutional networks, ICML 2017.
    """

    traceable = True

    def __init__(self, dim: int = -1) -> None:
        if not isinstance(dim, int) or isinstance(dim, bool):
            raise ArgumentError(f"dim must be a whole number, got {dim!r}", where="GLU")
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        check_input(self, x)
        if not -x.ndim <= self.dim < x.ndim or x.shape[self.dim] % 2:
            raise ShapeError(
                f"expected an input whose dimension {self.dim} is even, got one of shape "
                f"{tuple(x.shape)}",
                where=self,
            )
        self.push(x)
        return functional.glu(x, self.dim)

    # dA = dY σ(B),  dB = dY A σ(B) (1 − σ(B))
    def backward(self, grad_output: Tensor) -> Tensor:
        x: Tensor = self.pop()
        half = list(x.shape)
        half[self.dim] //= 2
        check_grad_output(self, grad_output, torch.Size(half))
        result: Tensor = aten.glu_backward(grad_output, x, self.dim)
        return result

    @staticmethod
    def plain_backward(dy: Tensor, x: Tensor, dim: int) -> Tensor:
        """Return what torch's operation gives, by the formula."""
        a, b = x.chunk(2, dim)
        s = b.sigmoid()
        return torch.cat([dy * s, dy * a * s * (1 - s)], dim)

    def summary(self) -> str:
        return f"Gated Linear Unit, dim: {self.dim}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example(shapes=[(4, 6)]), Example({"dim": 1}, shapes=[(2, 4, 3)])]
