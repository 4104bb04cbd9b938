"""The exponential linear units: ELU, CELU, SELU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from minidl_core import ArgumentError, Example
from minidl_plugins_nn.activations.elementwise import Elementwise, check_not_inplace
from minidl_plugins_nn.finite import finite_number

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CELU", "ELU", "SELU"]

aten = torch.ops.aten


class ELU(Elementwise):
    """f(x) = x where x > 0, else α (eˣ − 1).

    Args:
        alpha: α, the negative of the limit for x → −∞.

    Raises:
        ArgumentError: `alpha` is no finite number, or `inplace` is asked for.
        DtypeError: the input is not of a floating-point dtype.

    Reference: D. Clevert, T. Unterthiner and S. Hochreiter, Fast and accurate deep network
    learning by exponential linear units, ICLR 2016.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        check_not_inplace(self, inplace)
        self.alpha = finite_number(self, "alpha", alpha)

    def value(self, x: Tensor) -> Tensor:
        return functional.elu(x, self.alpha)

    # f'(x) = 1 where x > 0, else α eˣ
    def slope(self, x: Tensor) -> Tensor:
        return torch.where(x > 0, 1.0, self.alpha * x.exp())

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        result: Tensor = aten.elu_backward(dy, self.alpha, 1.0, 1.0, False, x)
        return result

    def summary(self) -> str:
        return f"Exponential Linear Unit, alpha: {self.alpha}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [*super().examples(), Example({"alpha": 1.5}, shapes=[(4, 3)])]


class CELU(Elementwise):
    """f(x) = max(0, x) + min(0, α (e^(x/α) − 1)): an ELU whose slope is continuous for every α.

    Args:
        alpha: α, not 0.

    Raises:
        ArgumentError: `alpha` is 0 or no finite number, or `inplace` is asked for.
        DtypeError: the input is not of a floating-point dtype.

    Reference: J. Barron, Continuously differentiable exponential linear units, 2017.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        check_not_inplace(self, inplace)
        self.alpha = finite_number(self, "alpha", alpha)
        if not alpha:
            raise ArgumentError("alpha must not be 0: f divides by it", where="CELU")

    def value(self, x: Tensor) -> Tensor:
        return functional.celu(x, self.alpha)

    # f'(x) = 1 where x > 0, else e^(x/α)
    def slope(self, x: Tensor) -> Tensor:
        return torch.where(x > 0, 1.0, (x / self.alpha).exp())

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        result: Tensor = aten.elu_backward(dy, self.alpha, 1.0, 1 / self.alpha, False, x)
        return result

    def summary(self) -> str:
        return f"Continuously Differentiable ELU, alpha: {self.alpha}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [*super().examples(), Example({"alpha": 1.5}, shapes=[(4, 3)])]


class SELU(Elementwise):
    """f(x) = λ x where x > 0, else λ α (eˣ − 1), with the λ and α that keep N(0, 1) as it is.

    Raises:
        ArgumentError: `inplace` is asked for.
        DtypeError: the input is not of a floating-point dtype.

    Reference: G. Klambauer et al., Self-normalizing neural networks, NeurIPS 2017, which gives
    λ = 1.0507… and α = 1.6732….
    """

    SCALE = 1.0507009873554804934193349852946
    ALPHA = 1.6732632423543772848170429916717

    def __init__(self, inplace: bool = False) -> None:
        check_not_inplace(self, inplace)

    def value(self, x: Tensor) -> Tensor:
        return torch.selu(x)

    # f'(x) = λ where x > 0, else λ α eˣ
    def slope(self, x: Tensor) -> Tensor:
        return self.SCALE * torch.where(x > 0, 1.0, self.ALPHA * x.exp())

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        result: Tensor = aten.elu_backward(dy, self.ALPHA, self.SCALE, 1.0, False, x)
        return result

    def summary(self) -> str:
        return "Scaled Exponential Linear Unit"
