"""Rectifiers that leak: LeakyReLU, and with the slope learned (PReLU) or drawn (RReLU)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    Parameter,
    ShapeError,
    check_alike,
    check_grad_output,
)
from minidl_plugins_nn.activations.elementwise import (
    Elementwise,
    check_input,
    check_not_inplace,
)
from minidl_plugins_nn.finite import finite_number

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LeakyReLU", "PReLU", "RReLU"]

aten = torch.ops.aten


class LeakyReLU(Elementwise):
    """f(x) = x where x > 0, else a x.

    Args:
        negative_slope: a.

    Raises:
        ArgumentError: a is no finite number, or `inplace` is asked for.
        DtypeError: the input is not of a floating-point dtype.
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        check_not_inplace(self, inplace)
        self.negative_slope = finite_number(self, "negative_slope", negative_slope)

    def value(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(x, self.negative_slope)

    # f'(x) = 1 where x > 0, else a
    def slope(self, x: Tensor) -> Tensor:
        return torch.full_like(x, self.negative_slope).masked_fill(x > 0, 1.0)

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        result: Tensor = aten.leaky_relu_backward(dy, x, self.negative_slope, False)
        return result

    def summary(self) -> str:
        return f"Leaky Rectified Linear Unit, slope: {self.negative_slope}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [*super().examples(), Example({"negative_slope": 0.5}, shapes=[(4, 3)])]


class PReLU(BaseModule):
    """Y = X where X > 0, else w X, with one learned w for all, or one for each channel.

    Shapes: X and Y alike, of any shape with one w; with C of them (N, C, *). W is (C,).

    Args:
        num_parameters: 1, or the number of channels C.
        init: what each w starts from.
        dtype: of W; torch's default dtype when left out.
        device: of W; torch's default when left out.

    Attributes:
        weight: the `Parameter` W. Weight decay would draw it to 0, the plain ReLU; exempt it with
            ``prelu.weight.decays = False``.

    Raises:
        ArgumentError: `num_parameters` is below 1, or `init` is no finite number.
        ShapeError: the input has another number of channels.
        DtypeError, DeviceError: the input differs from W.

    Reference: K. He et al., Delving deep into rectifiers, ICCV 2015.
    """

    traceable = True

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        whole = isinstance(num_parameters, int) and not isinstance(num_parameters, bool)
        if not whole or num_parameters < 1:
            raise ArgumentError(
                f"num_parameters must be a whole number of at least 1, got {num_parameters!r}",
                where="PReLU",
            )
        first = finite_number(self, "init", init)
        self.num_parameters = num_parameters
        self.weight = Parameter(torch.full((num_parameters,), first, dtype=dtype, device=device))

    def forward(self, x: Tensor) -> Tensor:
        check_input(self, x)
        check_alike(self, "input", x, "weight", self.weight.value)
        channels = x.shape[1] if x.ndim > 1 else 1
        if self.num_parameters not in (1, channels):
            raise ShapeError(
                f"expected an input of shape (batch, {self.num_parameters}, …), got "
                f"{tuple(x.shape)}; build the layer with 1 or {channels} parameters",
                where=self,
            )
        w = self._along_channels(x)
        self.push((x, w))
        return torch.where(x > 0, x, w * x)

    # dX = dY where X > 0, else w dY;  dw = Σ dY X over where X ≤ 0
    def backward(self, grad_output: Tensor) -> Tensor:
        kept: tuple[Tensor, Tensor] = self.pop()
        x, w = kept
        check_grad_output(self, grad_output, x.shape)
        dw = (grad_output * x.clamp(max=0)).sum_to_size(w.shape)  # one for each w
        self.weight.grad += dw.reshape(self.weight.grad.shape)
        return torch.where(x > 0, grad_output, w * grad_output)

    def _along_channels(self, x: Tensor) -> Tensor:
        """W as (1, C, 1, …), one for each dimension of X."""
        if x.ndim < 2:
            return self.weight.value.reshape([1] * x.ndim)
        return self.weight.value.reshape(1, -1, *[1] * (x.ndim - 2))

    def summary(self) -> str:
        return f"Parametric Rectified Linear Unit, parameters: {self.num_parameters}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example(shapes=[(4, 3)]),
            Example({"num_parameters": 3, "init": -0.5}, shapes=[(2, 3, 4)]),
        ]


class RReLU(BaseModule):
    """Y = X where X > 0, else a X, with a drawn from U(l, u) anew for each element.

    In evaluation a is the mean, (l + u) / 2.

    Args:
        lower, upper: l and u, with l ≤ u.
        generator: where a comes from; torch's global generator when left out.

    Raises:
        ArgumentError: one is no finite number, l is above u, or `inplace` is asked for.
        DtypeError: the input is not of a floating-point dtype.

    Reference: B. Xu et al., Empirical evaluation of rectified activations in convolutional
    network, 2015.
    """

    def __init__(
        self,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        inplace: bool = False,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        check_not_inplace(self, inplace)
        self.lower = finite_number(self, "lower", lower)
        self.upper = finite_number(self, "upper", upper)
        self.generator = generator
        if not lower <= upper:
            raise ArgumentError(
                f"lower must not be above upper, got {lower!r} and {upper!r}", where="RReLU"
            )

    def forward(self, x: Tensor) -> Tensor:
        check_input(self, x)
        a = torch.full_like(x, (self.lower + self.upper) / 2)
        if self.training:
            a = torch.empty_like(x).uniform_(self.lower, self.upper, generator=self.generator)
        slope = torch.where(x > 0, 1.0, a)
        self.push(slope)
        return x * slope

    # dX = dY where X > 0, else a dY
    def backward(self, grad_output: Tensor) -> Tensor:
        slope: Tensor = self.pop()
        check_grad_output(self, grad_output, slope.shape)
        return grad_output * slope

    def summary(self) -> str:
        return f"Randomized Rectified Linear Unit, slopes from {self.lower} to {self.upper}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example(shapes=[(4, 3)]), Example({"lower": 0.5, "upper": 0.75}, shapes=[(2, 3)])]
