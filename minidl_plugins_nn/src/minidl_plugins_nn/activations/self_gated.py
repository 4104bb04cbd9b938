"""Activations that multiply x by a gate of x: GELU, SiLU, Mish, Hardswish."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn import functional

from minidl_core import ArgumentError, Example
from minidl_plugins_nn.activations.elementwise import Elementwise, check_not_inplace

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["GELU", "Hardswish", "Mish", "SiLU"]

aten = torch.ops.aten

# The tanh form of GELU: Φ(x) ≈ ½ (1 + tanh(SCALE (x + CUBIC x³))).
SCALE = math.sqrt(2 / math.pi)
CUBIC = 0.044715


class GELU(Elementwise):
    """f(x) = x Φ(x), with Φ the distribution function of N(0, 1).

    With ``approximate="tanh"``, Φ(x) ≈ ½ (1 + tanh(√(2/π) (x + 0.044715 x³))), as in GPT-2.

    Args:
        approximate: ``"none"`` or ``"tanh"``.

    Raises:
        ArgumentError: `approximate` is neither.
        DtypeError: the input is not of a floating-point dtype.

    Reference: D. Hendrycks and K. Gimpel, Gaussian error linear units, 2016.
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ArgumentError(
                f"approximate must be 'none' or 'tanh', got {approximate!r}", where="GELU"
            )
        self.approximate = approximate

    def value(self, x: Tensor) -> Tensor:
        return functional.gelu(x, approximate=self.approximate)

    # f'(x) = Φ(x) + x φ(x), with φ the density of N(0, 1);
    # in the tanh form Φ = ½ (1 + t), φ = Φ' = ½ (1 − t²) √(2/π) (1 + 3 · 0.044715 x²)
    def slope(self, x: Tensor) -> Tensor:
        if self.approximate == "tanh":
            t = (SCALE * (x + CUBIC * x**3)).tanh()
            return (1 + t + x * (1 - t * t) * SCALE * (1 + 3 * CUBIC * x * x)) / 2
        density = (-x * x / 2).exp() / math.sqrt(2 * math.pi)
        return (1 + torch.erf(x / math.sqrt(2))) / 2 + x * density

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        result: Tensor = aten.gelu_backward(dy, x, approximate=self.approximate)
        return result

    def summary(self) -> str:
        return f"Gaussian Error Linear Unit, approximate: {self.approximate}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [*super().examples(), Example({"approximate": "tanh"}, shapes=[(4, 3)])]


class SiLU(Elementwise):
    """f(x) = x σ(x), with σ(x) = 1 / (1 + e⁻ˣ); also called swish.

    Raises:
        ArgumentError: `inplace` is asked for.
        DtypeError: the input is not of a floating-point dtype.

    Reference: S. Elfwing, E. Uchibe and K. Doya, Sigmoid-weighted linear units for neural network
    function approximation in reinforcement learning, 2017.
    """

    def __init__(self, inplace: bool = False) -> None:
        check_not_inplace(self, inplace)

    def value(self, x: Tensor) -> Tensor:
        return functional.silu(x)

    # f'(x) = σ + x σ (1 − σ)
    def slope(self, x: Tensor) -> Tensor:
        s = x.sigmoid()
        return s + x * s * (1 - s)

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        result: Tensor = aten.silu_backward(dy, x)
        return result

    def summary(self) -> str:
        return "Sigmoid Linear Unit"


class Mish(Elementwise):
    """f(x) = x tanh(log(1 + eˣ)).

    Raises:
        ArgumentError: `inplace` is asked for.
        DtypeError: the input is not of a floating-point dtype.

    Reference: D. Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020.
    """

    def __init__(self, inplace: bool = False) -> None:
        check_not_inplace(self, inplace)

    def value(self, x: Tensor) -> Tensor:
        return functional.mish(x)

    # with t = tanh(log(1 + eˣ)):  f'(x) = t + x (1 − t²) σ(x)
    # (torch's own operation for it cannot be batched over models)
    def slope(self, x: Tensor) -> Tensor:
        t = functional.softplus(x).tanh()
        return t + x * (1 - t * t) * x.sigmoid()

    def summary(self) -> str:
        return "Mish"


class Hardswish(Elementwise):
    """f(x) = x · min(max(x + 3, 0), 6) / 6: a SiLU made of straight pieces.

    At x = ±3, where there is no derivative, it is taken as in torch: 0 at −3 and 1 at 3.

    Raises:
        ArgumentError: `inplace` is asked for.
        DtypeError: the input is not of a floating-point dtype.

    Reference: A. Howard et al., Searching for MobileNetV3, ICCV 2019.
    """

    def __init__(self, inplace: bool = False) -> None:
        check_not_inplace(self, inplace)

    def value(self, x: Tensor) -> Tensor:
        return functional.hardswish(x)

    # f'(x) = 0 where x ≤ −3, 1 where x ≥ 3, else x/3 + 1/2
    def slope(self, x: Tensor) -> Tensor:
        return torch.where(x <= -3, 0.0, torch.where(x >= 3, 1.0, x / 3 + 0.5))

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        result: Tensor = aten.hardswish_backward(dy, x)
        return result

    def summary(self) -> str:
        return "Hard Swish"

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example(shapes=[(4, 3)], low=-5.0, high=5.0)]
