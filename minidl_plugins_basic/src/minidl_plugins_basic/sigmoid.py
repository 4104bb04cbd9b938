"""The logistic function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import BaseModule, check_grad_output, check_no_graph

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Sigmoid"]


class Sigmoid(BaseModule):
    """Y = σ(X) = 1 / (1 + e⁻ˣ), element by element, for an X of any shape."""

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        check_no_graph(self, "input", x)
        y = x.sigmoid()
        self.push(y)
        return y

    # d/dx σ(x) = σ(x) (1 − σ(x))
    def backward(self, grad_output: Tensor) -> Tensor:
        y: Tensor = self.pop()
        check_grad_output(self, grad_output, y.shape)
        return grad_output * (y * (1 - y))

    def summary(self) -> str:
        return "Sigmoid"
