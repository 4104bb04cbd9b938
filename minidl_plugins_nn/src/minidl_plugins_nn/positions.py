"""A learned vector for each place of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    Parameter,
    ShapeError,
    check_alike,
    check_grad_output,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Positions"]


class Positions(BaseModule):
    """Y = X + P[:L]: what is learned of each place is added to what stands there.

    Shapes: X and Y (N, L, D), with L at most the length; P (length, D), zeros at first.

    Args:
        length: the longest sequence.
        embedding_dim: D.

    Raises:
        ArgumentError: a size below 1.
        ShapeError, DtypeError, DeviceError: an input that does not fit.
    """

    traceable = True

    def __init__(
        self,
        length: int,
        embedding_dim: int,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        for size in (length, embedding_dim):
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise ArgumentError(
                    f"sizes must be whole numbers of at least 1, got {size!r}", where="Positions"
                )
        self.length, self.embedding_dim = length, embedding_dim
        self.weight = Parameter(torch.zeros(length, embedding_dim, device=device, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        p = self.weight.value
        check_alike(self, "input", x, "weight", p)
        if x.ndim != 3 or x.shape[1] > len(p) or x.shape[2] != p.shape[1]:
            raise ShapeError(
                f"expected an input of shape (batch, at most {len(p)}, {p.shape[1]}), got "
                f"{tuple(x.shape)}; cut the sequence, or give it more positions",
                where=self,
            )
        self.push(x.shape)
        return x + p[: x.shape[1]]

    # Y = X + P[:L]:  dP[:L] = Σₙ dYₙ,  dX = dY
    def backward(self, grad_output: Tensor) -> Tensor:
        shape: torch.Size = self.pop()
        check_grad_output(self, grad_output, shape)
        unused = len(self.weight.grad) - shape[1]
        self.weight.grad += torch.nn.functional.pad(grad_output.sum(0), (0, 0, 0, unused))
        return grad_output

    def summary(self) -> str:
        return f"Positions, length: {self.length}, size: {self.embedding_dim}"

    @classmethod
    def examples(cls) -> list[Example]:
        sizes = {"length": 5, "embedding_dim": 3}
        return [Example(sizes, shapes=[shape]) for shape in [(2, 5, 3), (4, 2, 3)]]
