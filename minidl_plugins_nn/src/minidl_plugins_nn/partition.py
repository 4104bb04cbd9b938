"""Layers that cut one input into several, or pick one of several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    ShapeError,
    check_grad_output,
    check_no_graph,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Select", "Partition"]


class Partition(BaseModule):
    """(Y₁, …, Yₙ) = X cut along `dim` into pieces of the given sizes.

    Args:
        sizes: the size of each piece; they add up to that of X.
        dim: the dimension that is cut.

    Raises:
        ArgumentError: there are fewer than two sizes, or one below 1.
        ShapeError: X has another size, or ``backward`` got gradients that do not fit.
    """

    traceable = True

    def __init__(self, sizes: list[int], dim: int = -1) -> None:
        whole = all(isinstance(size, int) and size > 0 for size in sizes)
        if len(sizes) < 2 or not whole:
            raise ArgumentError(
                f"sizes must be two or more whole numbers of at least 1, got {sizes!r}",
                where="Partition",
            )
        self.sizes = tuple(sizes)
        self.dim = dim

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        check_no_graph(self, "input", x)
        if not -x.ndim <= self.dim < x.ndim or x.shape[self.dim] != sum(self.sizes):
            raise ShapeError(
                f"expected {sum(self.sizes)} in dimension {self.dim}, got {tuple(x.shape)}",
                where=self,
            )
        pieces = torch.split(x, list(self.sizes), self.dim)
        self.push([piece.shape for piece in pieces])
        return tuple(pieces)

    # dX = [dY₁ … dYₙ]
    def backward(self, *grad_outputs: Tensor) -> Tensor:
        shapes = self.pop()
        if [grad.shape for grad in grad_outputs] != shapes:
            raise ShapeError(
                f"expected gradients of shapes {', '.join(str(tuple(s)) for s in shapes)}, got "
                f"{', '.join(str(tuple(grad.shape)) for grad in grad_outputs)}",
                where=self,
            )
        return torch.cat(grad_outputs, self.dim)

    def summary(self) -> str:
        return f"Partition, sizes: {', '.join(map(str, self.sizes))}, dim: {self.dim}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example({"sizes": (1, 2)}, shapes=[(4, 3)]),
            Example({"sizes": (2, 1, 1), "dim": 1}, shapes=[(3, 4, 2)]),
        ]


class Select(BaseModule):
    """Y = Xᵢ, one of several inputs; the others get gradients of zero.

    ``Sequential(LSTM(3, 8), Select(0), …)`` goes on with the outputs and leaves the states.

    Args:
        index: i, from 0; a negative one counts from the end.

    Raises:
        ShapeError: there is no such input, or it is no tensor.
    """

    traceable = True

    def __init__(self, index: int = 0) -> None:
        self.index = index

    def forward(self, *inputs: Any) -> Tensor:
        if not -len(inputs) <= self.index < len(inputs):
            raise ShapeError(f"expected an input {self.index}, got {len(inputs)}", where=self)
        y = inputs[self.index]
        if not isinstance(y, torch.Tensor):
            raise ShapeError(
                f"expected input {self.index} to be a tensor, got {type(y).__name__}", where=self
            )
        self.push(inputs)
        return y

    # dXᵢ = dY, and dXⱼ = 0
    def backward(self, grad_output: Tensor) -> Any:
        inputs = self.pop()
        index = self.index % len(inputs)
        check_grad_output(self, grad_output, inputs[index].shape)
        grads = tuple(grad_output if i == index else zeros(x) for i, x in enumerate(inputs))
        return grads if len(grads) > 1 else grads[0]

    def summary(self) -> str:
        return f"Select, index: {self.index}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example({"index": 1}, shapes=[(4, 3), (4, 2)]), Example(shapes=[(4, 3)])]


def zeros(x: Any) -> Any:
    """Zeros like `x`, a tensor or a tuple of them; None where there is no gradient."""
    if isinstance(x, tuple):
        return tuple(map(zeros, x))
    if isinstance(x, torch.Tensor) and x.is_floating_point():
        return torch.zeros_like(x)
    return None
