"""The hyperbolic tangent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import BaseModule, check_grad_output
from minidl_plugins_basic.floating import check_floating

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Tanh"]


class Tanh(BaseModule):
    """Y = tanh X = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), element by element, for an X of any shape."""

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        check_floating(self, x)
        y = x.tanh()
        self.push(y)
        return y

    # d/dx tanh x = 1 − tanh² x
    def backward(self, grad_output: Tensor) -> Tensor:
        y: Tensor = self.pop()
        check_grad_output(self, grad_output, y.shape)
        return grad_output * (1 - y * y)

    def summary(self) -> str:
        return "Hyperbolic Tangent"
