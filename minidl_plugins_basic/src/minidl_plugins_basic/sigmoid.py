"""The logistic function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import BaseModule, check_grad_output
from minidl_plugins_basic.floating import check_floating

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Sigmoid"]


class Sigmoid(BaseModule):
    """Y = σ(X) = 1 / (1 + e⁻ˣ), element by element, for an X of any shape."""

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        check_floating(self, x)
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
