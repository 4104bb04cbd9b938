"""Swish, the activation found by search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from acme_nets.checks import check_alike, check_grad_output, check_records_no_graph, finite_number
from minidl_core import BaseModule, Example, Parameter

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Swish"]


class Swish(BaseModule):
    """Y = X σ(βX), element by element, with σ(z) = 1 / (1 + e⁻ᶻ).

    With β = 1 it is torch.nn.SiLU; with a large β it is nearly the rectifier, with β = 0 it is
    X / 2. One β serves all features.

    Shapes: X and Y alike, of any shape; β is one number, ().

    Args:
        beta: β, or where it starts if it is learned.
        learned: whether β is a parameter.
        dtype: of a learned β; torch's default dtype when left out.
        device: of a learned β; torch's default when left out.

    Attributes:
        beta: the number β, or its `Parameter` if it is learned.

    Raises:
        ArgumentError: `beta` is no finite number.
        DtypeError, DeviceError: the input differs from a learned β.
        ParameterError: the input records a graph of torch's autograd.
        ShapeError: the gradient of the output has another shape than the output.

    Reference: P. Ramachandran, B. Zoph and Q. V. Le, Searching for activation functions, 2017.
    """

    traceable = True

    def __init__(
        self,
        beta: float = 1.0,
        learned: bool = False,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        beta = finite_number("Swish", "beta", beta)
        self.beta: float | Parameter = beta
        if learned:
            self.beta = Parameter(torch.tensor(float(beta), dtype=dtype, device=device))

    def forward(self, x: Tensor) -> Tensor:
        check_records_no_graph(self, "input", x)
        s = (self._beta(x) * x).sigmoid()
        self.push((x, s))
        return x * s

    # y = x s with s = σ(βx), and σ' = σ (1 − σ):
    # dy/dx = s + β x s (1 − s),  dy/dβ = x² s (1 − s)
    def backward(self, grad_output: Tensor) -> Tensor:
        kept: tuple[Tensor, Tensor] = self.pop()
        x, s = kept
        check_grad_output(self, grad_output, x.shape)
        slope = x * s * (1 - s)
        if isinstance(self.beta, Parameter):
            self.beta.grad += (grad_output * x * slope).sum()
        return grad_output * (s + self._beta(x) * slope)

    def _beta(self, x: Tensor) -> Tensor | float:
        if isinstance(self.beta, Parameter):
            check_alike(self, "input", x, "beta", self.beta.value)
            return self.beta.value
        return self.beta

    def summary(self) -> str:
        return f"Swish, beta: {'learned' if isinstance(self.beta, Parameter) else self.beta}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example(shapes=[(4, 3)]),
            Example({"beta": -0.5}, shapes=[(2, 3, 2)]),
            Example({"beta": 1.5, "learned": True}, shapes=[(5, 2)]),
        ]
