"""The affine map inside larger layers, over any leading dimensions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from minidl_core import BaseModule, ShapeError, check_alike, check_grad_output, check_no_graph

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_core import Parameter
    from minidl_plugins_nn.drawing import Source

__all__ = ["Linear", "add_affine_grads", "affine"]


class Linear(BaseModule):
    """Y = X Wᵀ + b over the last dimension; W and b start uniform, as in torch.nn.Linear.

    It is a part of the transformer layers. A network's own ``Linear`` is that of the registry.

    Shapes: X (*, in), W (out, in), b (out,), Y (*, out).
    """

    traceable = True

    def __init__(self, in_features: int, out_features: int, bias: bool, source: Source) -> None:
        bound = 1 / math.sqrt(in_features)
        self.in_features = in_features
        self.out_features = out_features
        self.weight = source.uniform(bound, out_features, in_features)
        self.bias = source.uniform(bound, out_features) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        check_no_graph(self, "input", x)
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ShapeError(
                f"expected an input of shape (…, {self.in_features}), got {tuple(x.shape)}; "
                "reshape it",
                where=self,
            )
        check_alike(self, "input", x, "weight", self.weight.value)
        self.push(x)
        return affine(x, self.weight.value, None if self.bias is None else self.bias.value)

    # Y = X Wᵀ + b:  dW = dYᵀ X,  db = Σₙ dYₙ,  dX = dY W
    def backward(self, grad_output: Tensor) -> Tensor:
        x: Tensor = self.pop()
        check_grad_output(self, grad_output, torch.Size([*x.shape[:-1], self.out_features]))
        add_affine_grads(self.weight, self.bias, grad_output, x)
        return grad_output @ self.weight.value

    def summary(self) -> str:
        sizes = f"in: {self.in_features}, out: {self.out_features}"
        return f"Linear Layer, {sizes}, biases: {self.bias is not None}"

    def __repr__(self) -> str:
        return f"Linear({self.in_features} → {self.out_features})"


def affine(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """X Wᵀ + b: (*, in), (out, in), (out,) -> (*, out)."""
    return torch.nn.functional.linear(x, weight, bias)


def add_affine_grads(weight: Parameter, bias: Parameter | None, dy: Tensor, x: Tensor) -> None:
    """Add dYᵀ X to dW and Σ dY to db, over all leading dimensions."""
    rows = dy.reshape(-1, dy.shape[-1])  # (n, out)
    weight.grad += rows.mT @ x.reshape(-1, x.shape[-1])  # (out, n) @ (n, in) -> (out, in)
    if bias is not None:
        bias.grad += rows.sum(0)
