"""Smooth activations: Softplus, LogSigmoid, Softsign, Tanhshrink."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from minidl_core import ArgumentError, Example
from minidl_plugins_nn.activations.elementwise import Elementwise
from minidl_plugins_nn.finite import finite_number

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LogSigmoid", "Softplus", "Softsign", "Tanhshrink"]

aten = torch.ops.aten


class Softplus(Elementwise):
    """f(x) = log(1 + e^(βx)) / β, and x where βx is above the threshold.

    Args:
        beta: β, not 0.
        threshold: where f goes over to x, to which it is equal there to within rounding.

    Raises:
        ArgumentError: one of them is no finite number, or β is 0.
        DtypeError: the input is not of a floating-point dtype.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta = finite_number(self, "beta", beta)
        if not beta:
            raise ArgumentError("beta must not be 0: f divides by it", where="Softplus")
        self.threshold = finite_number(self, "threshold", threshold)

    def value(self, x: Tensor) -> Tensor:
        return functional.softplus(x, self.beta, self.threshold)

    # f'(x) = σ(βx), and 1 above the threshold
    def slope(self, x: Tensor) -> Tensor:
        z = self.beta * x
        return z.sigmoid().masked_fill(z > self.threshold, 1.0)

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        result: Tensor = aten.softplus_backward(dy, x, self.beta, self.threshold)
        return result

    def summary(self) -> str:
        return f"Softplus, beta: {self.beta}, threshold: {self.threshold}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            *super().examples(),
            Example({"beta": 0.5}, shapes=[(4, 3)]),
            Example({"beta": 2.0, "threshold": 1.0}, shapes=[(4, 3)]),
        ]


class LogSigmoid(Elementwise):
    """f(x) = log σ(x) = −log(1 + e⁻ˣ).

    Raises:
        DtypeError: the input is not of a floating-point dtype.
    """

    def value(self, x: Tensor) -> Tensor:
        return functional.logsigmoid(x)

    # f'(x) = 1 − σ(x) = σ(−x)
    def slope(self, x: Tensor) -> Tensor:
        return (-x).sigmoid()

    def summary(self) -> str:
        return "Log Sigmoid"


class Softsign(Elementwise):
    """f(x) = x / (1 + |x|).

    Raises:
        DtypeError: the input is not of a floating-point dtype.
    """

    def value(self, x: Tensor) -> Tensor:
        return functional.softsign(x)

    # f'(x) = 1 / (1 + |x|)²
    def slope(self, x: Tensor) -> Tensor:
        return (1 + x.abs()).square().reciprocal()

    def summary(self) -> str:
        return "Softsign"


class Tanhshrink(Elementwise):
    """f(x) = x − tanh x.

    Raises:
        DtypeError: the input is not of a floating-point dtype.
    """

    def value(self, x: Tensor) -> Tensor:
        return x - x.tanh()

    # f'(x) = tanh² x
    def slope(self, x: Tensor) -> Tensor:
        return x.tanh().square()

    def summary(self) -> str:
        return "Tanh Shrink"
