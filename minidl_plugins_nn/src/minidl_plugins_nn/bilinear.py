"""The bilinear layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from minidl_core import (
    BaseModule,
    Example,
    ShapeError,
    check_alike,
    check_grad_output,
    check_no_graph,
)
from minidl_plugins_nn.arguments import check_sizes
from minidl_plugins_nn.drawing import Source

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Bilinear"]


class Bilinear(BaseModule):
    """yₒ = x₁ᵀ Wₒ x₂ + bₒ for each output feature o.

    Shapes: x₁ (*, in1), x₂ (*, in2), W (out, in1, in2), b (out,), y (*, out); the leading
    dimensions of x₁ and x₂ are the same.

    W and b are drawn from U(−1/√in1, 1/√in1), as in torch.nn.Bilinear.

    Args:
        in1_features, in2_features: the sizes of the two inputs.
        out_features: the size of the output.
        bias: whether to add b.
        generator: where the first weights come from; torch's global generator when left out.

    Attributes:
        weight, bias: the `Parameter` W, and b or None.

    Raises:
        ArgumentError: a size below 1.
        ShapeError, DtypeError, DeviceError: an input that does not fit.
    """

    traceable = True

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        sizes = {"in1_features": in1_features, "in2_features": in2_features}
        check_sizes("Bilinear", **sizes, out_features=out_features)
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        source, bound = Source(generator, device, dtype), 1 / math.sqrt(in1_features)
        self.weight = source.uniform(bound, out_features, in1_features, in2_features)
        self.bias = source.uniform(bound, out_features) if bias else None

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        self._check(input1, input2)
        x1 = input1.reshape(-1, self.in1_features)  # (n, in1)
        x2 = input2.reshape(-1, self.in2_features)  # (n, in2)
        self.push((x1, x2, input1.shape, input2.shape))
        # yₙₒ = Σᵢⱼ x₁ₙᵢ Wₒᵢⱼ x₂ₙⱼ
        wx2 = self._times_second(x2)
        y: Tensor = (wx2 @ x1[..., None])[..., 0]  # (n, out, in1) @ (n, in1, 1) -> (n, out)
        if self.bias is not None:
            y = y + self.bias.value
        return y.reshape(*input1.shape[:-1], self.out_features)

    # yₒ = x₁ᵀ Wₒ x₂ + bₒ:
    # dWₒ = Σₙ dyₒ x₁ x₂ᵀ,  db = Σₙ dy,  dx₁ = Σₒ dyₒ Wₒ x₂,  dx₂ = Σₒ dyₒ Wₒᵀ x₁
    def backward(self, grad_output: Tensor) -> tuple[Tensor, Tensor]:
        x1, x2, shape1, shape2 = self.pop()
        check_grad_output(self, grad_output, torch.Size([*shape1[:-1], self.out_features]))
        dy = grad_output.reshape(-1, self.out_features)  # (n, out)
        dyx1 = (dy[:, :, None] * x1[:, None, :]).flatten(1)  # (n, out · in1)
        w = self.weight.value.flatten(0, 1)  # (out · in1, in2)
        self.weight.grad += (dyx1.mT @ x2).reshape(self.weight.grad.shape)
        if self.bias is not None:
            self.bias.grad += dy.sum(0)
        dx1 = (dy[:, None, :] @ self._times_second(x2))[
            :, 0
        ]  # (n, 1, out) @ (n, out, in1) -> (n, in1)
        return dx1.reshape(shape1), (dyx1 @ w).reshape(shape2)

    def _times_second(self, x2: Tensor) -> Tensor:
        """W x₂: (n, in2) -> (n, out, in1)."""
        w = self.weight.value
        return (x2 @ w.flatten(0, 1).mT).reshape(-1, *w.shape[:2])

    def _check(self, x1: Tensor, x2: Tensor) -> None:
        for role, x in (("first input", x1), ("second input", x2)):
            check_no_graph(self, role, x)
        ends = (self.in1_features, self.in2_features)
        fits = x1.ndim and x2.ndim and (x1.shape[-1], x2.shape[-1]) == ends
        if not fits or x1.shape[:-1] != x2.shape[:-1]:
            raise ShapeError(
                f"expected inputs of shape (…, {ends[0]}) and (…, {ends[1]}) with the same leading "
                f"dimensions, got {tuple(x1.shape)} and {tuple(x2.shape)}; reshape them",
                where=self,
            )
        for role, x in (("first input", x1), ("second input", x2)):
            check_alike(self, role, x, "weight", self.weight.value)

    def summary(self) -> str:
        sizes = f"in: {self.in1_features} and {self.in2_features}, out: {self.out_features}"
        return f"Bilinear Layer, {sizes}, biases: {self.bias is not None}"

    def __repr__(self) -> str:
        return f"Bilinear({self.in1_features}, {self.in2_features} → {self.out_features})"

    @classmethod
    def examples(cls) -> list[Example]:
        sizes = {"in1_features": 2, "in2_features": 3, "out_features": 4}
        return [
            Example(sizes, shapes=[(5, 2), (5, 3)]),
            Example({**sizes, "bias": False}, shapes=[(2, 3, 2), (2, 3, 3)]),
        ]
