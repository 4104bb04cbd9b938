"""Layers that merge several inputs into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import (
    BaseModule,
    Example,
    ShapeError,
    check_alike,
    check_grad_output,
    check_no_graph,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Add", "Concatenate", "Multiply"]


class Add(BaseModule):
    """Y = X₁ + … + Xₙ, of inputs of one shape; they are never broadcast.

    Raises:
        ShapeError, DtypeError, DeviceError: the inputs differ in it, or there is none.
    """

    traceable = True

    def forward(self, *inputs: Tensor) -> Tensor:
        check_one_shape(self, inputs)
        self.push((len(inputs), inputs[0].shape))
        total = inputs[0]
        for x in inputs[1:]:
            total = total + x
        return total

    # Y = Σᵢ Xᵢ:  dXᵢ = dY
    def backward(self, grad_output: Tensor) -> Any:
        count, shape = self.pop()
        check_grad_output(self, grad_output, shape)
        return (grad_output,) * count if count > 1 else grad_output

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example(shapes=[(4, 3)] * 3), Example(shapes=[(2, 3)])]


class Multiply(BaseModule):
    """Y = X₁ · … · Xₙ, element by element, of inputs of one shape; they are never broadcast.

    Raises:
        ShapeError, DtypeError, DeviceError: the inputs differ in it, or there is none.
    """

    traceable = True

    def forward(self, *inputs: Tensor) -> Tensor:
        check_one_shape(self, inputs)
        self.push(inputs)
        product = inputs[0]
        for x in inputs[1:]:
            product = product * x
        return product

    # Y = Πᵢ Xᵢ:  dXᵢ = dY Πⱼ≠ᵢ Xⱼ, without a division, which fails where an X is zero
    def backward(self, grad_output: Tensor) -> Any:
        inputs: tuple[Tensor, ...] = self.pop()
        check_grad_output(self, grad_output, inputs[0].shape)
        grads = []
        for i in range(len(inputs)):
            grad = grad_output
            for j, x in enumerate(inputs):
                grad = grad if i == j else grad * x
            grads.append(grad)
        return tuple(grads) if len(grads) > 1 else grads[0]

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example(shapes=[(4, 3)] * 3), Example(shapes=[(2, 3)])]


class Concatenate(BaseModule):
    """Y = [X₁ … Xₙ], one behind another along `dim`.

    Args:
        dim: the dimension in which the inputs may differ in size.

    Raises:
        ShapeError: the inputs differ in another dimension, or there is none.
        DtypeError, DeviceError: the inputs differ in it.
    """

    traceable = True

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, *inputs: Tensor) -> Tensor:
        check_inputs(self, inputs)
        shapes = [tuple(x.shape) for x in inputs]
        dims = {len(shape) for shape in shapes}
        if len(dims) > 1 or not -min(dims) <= self.dim < min(dims) or not self._fit(shapes):
            raise ShapeError(
                f"expected inputs that differ in dimension {self.dim} alone, got "
                f"{', '.join(map(str, shapes))}; reshape them",
                where=self,
            )
        y = torch.cat(inputs, self.dim)
        self.push(([shape[self.dim] for shape in shapes], y.shape))
        return y

    # dXᵢ is the piece of dY where Xᵢ is in Y
    def backward(self, grad_output: Tensor) -> Any:
        sizes, shape = self.pop()
        check_grad_output(self, grad_output, shape)
        grads = torch.split(grad_output, sizes, self.dim)
        return tuple(grads) if len(grads) > 1 else grads[0]

    def _fit(self, shapes: list[tuple[int, ...]]) -> bool:
        axis = self.dim % len(shapes[0])
        return len({shape[:axis] + shape[axis + 1 :] for shape in shapes}) == 1

    def summary(self) -> str:
        return f"Concatenate, dim: {self.dim}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example(shapes=[(4, 3), (4, 1), (4, 2)]),
            Example({"dim": 1}, shapes=[(4, 2, 3), (4, 5, 3)]),
        ]


def check_inputs(layer: object, inputs: tuple[Tensor, ...]) -> None:
    if not inputs:
        raise ShapeError("expected at least one input, got none", where=layer)
    check_no_graph(layer, "first input", inputs[0])
    for number, x in enumerate(inputs[1:], 2):
        check_alike(layer, f"input {number}", x, "first input", inputs[0])


def check_one_shape(layer: object, inputs: tuple[Tensor, ...]) -> None:
    check_inputs(layer, inputs)
    if len({x.shape for x in inputs}) > 1:
        raise ShapeError(
            f"expected inputs of one shape, got {', '.join(str(tuple(x.shape)) for x in inputs)}; "
            "they are never broadcast",
            where=layer,
        )
