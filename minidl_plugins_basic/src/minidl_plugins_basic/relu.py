"""The rectified linear unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import BaseModule, check_grad_output
from minidl_plugins_basic.floating import check_floating

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ReLU"]


class ReLU(BaseModule):
    """Y = max(X, 0), element by element, for an X of any shape.

    The derivative at 0, where there is none, is taken as 0, as in torch.

    Reference: V. Nair and G. Hinton, Rectified linear units improve restricted Boltzmann
    machines, ICML 2010.
    """

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        check_floating(self, x)
        y = x.relu()
        self.push(y)
        return y

    # d/dx max(x, 0) = 1 where x > 0, else 0:  the sign of y
    def backward(self, grad_output: Tensor) -> Tensor:
        y: Tensor = self.pop()
        check_grad_output(self, grad_output, y.shape)
        return grad_output * y.sign()

    def summary(self) -> str:
        return "Rectified Linear Unit"
