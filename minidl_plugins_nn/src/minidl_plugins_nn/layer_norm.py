"""Layer normalisation, and that by the root of the mean square."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import (
    BaseModule,
    Example,
    Parameter,
    ShapeError,
    check_alike,
    check_grad_output,
    check_no_graph,
)
from minidl_plugins_nn.channel_norm import check_eps
from minidl_plugins_nn.half import wide, wide_on_cpu
from minidl_plugins_nn.image_sizes import each_size, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["LayerNorm", "RMSNorm"]

_aten = torch.ops.aten


class _RowNorm(BaseModule):
    weight: Parameter | None
    normalized_shape: tuple[int, ...]

    def _check_input(self, x: Tensor) -> None:
        check_no_graph(self, "input", x)
        shape = self.normalized_shape
        if x.shape[-len(shape) :] != shape:
            raise ShapeError(
                f"expected an input of shape (..., {', '.join(map(str, shape))}), got "
                f"{tuple(x.shape)}; reshape the input, or build the layer with its sizes",
                where=self,
            )
        if self.weight is not None:
            check_alike(self, "input", x, "weight", self.weight.value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({times(self.normalized_shape)})"


def _sizes(where: str, shape: int | Sequence[int]) -> tuple[int, ...]:
    dims = len(shape) if isinstance(shape, (tuple, list)) else 1
    return each_size(where, "normalized_shape", shape, max(dims, 1))


class LayerNorm(_RowNorm):
    """y = γ (x − μ) / √(σ² + ε) + β, with the mean and variance over the last dimensions.

    σ² is divided by the number of elements.

    Shapes: x and y (..., *normalized_shape); γ and β have the normalized shape.

    Args:
        normalized_shape: the sizes of the last dimensions, or the size of the last one.
        eps: the number ε.
        elementwise_affine: whether there are γ and β.
        bias: whether there is β.
        device, dtype: of the parameters; torch's defaults when left out.

    Attributes:
        weight, bias: the `Parameter` γ and β, or None.

    Raises:
        ArgumentError: a value that there is not.
        ShapeError, DtypeError, DeviceError: ``forward`` got an input that does not fit.
        ParameterError: the input records a graph of torch's autograd.

    Reference: J. L. Ba, J. R. Kiros and G. E. Hinton, Layer normalization, 2016.
    """

    traceable = True

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        shape = self.normalized_shape = _sizes("LayerNorm", normalized_shape)
        self.eps, self.elementwise_affine = check_eps("LayerNorm", eps), bool(elementwise_affine)

        def full(value: float) -> Parameter:
            return Parameter(torch.full(shape, value, dtype=dtype, device=device))

        self.weight = full(1.0) if elementwise_affine else None
        self.bias = full(0.0) if elementwise_affine and bias else None

    def forward(self, x: Tensor) -> Tensor:
        self._check_input(x)
        gamma, beta = (None if p is None else p.value for p in (self.weight, self.bias))
        y: Tensor
        y, mean, scale = _aten.native_layer_norm(x, self.normalized_shape, gamma, beta, self.eps)
        self.push((x, mean, scale))
        return y

    # x̂ = (x − μ) s with s = 1/√(σ² + ε), y = γ x̂ + β:  dγ = Σ dy x̂,  dβ = Σ dy,
    # and with g = γ dy and means over the row  dx = s (g − mean(g) − x̂ mean(g x̂)).
    def backward(self, grad_output: Tensor) -> Tensor:
        x, mean, scale = self.pop()
        check_grad_output(self, grad_output, x.shape)
        gamma, beta = (None if p is None else p.value for p in (self.weight, self.bias))
        mask = [True, self.weight is not None, self.bias is not None]
        dy, wide_x, mean, scale = map(wide_on_cpu, (grad_output, x, mean, scale))
        args = (dy, wide_x, self.normalized_shape, mean, scale)
        affine = (wide_on_cpu(gamma), wide_on_cpu(beta))
        dx: Tensor
        dx, dgamma, dbeta = _aten.native_layer_norm_backward(*args, *affine, mask)
        if self.weight is not None:
            self.weight.grad += dgamma
        if self.bias is not None:
            self.bias.grad += dbeta
        return dx.to(x.dtype)

    def summary(self) -> str:
        return (
            f"LayerNorm, shape: {times(self.normalized_shape)}, eps: {self.eps:g}, "
            f"affine: {self.elementwise_affine}"
        )

    @classmethod
    def examples(cls) -> list[Example]:
        plane = {"normalized_shape": [2, 3], "eps": 1e-2, "bias": False}
        bare = {"normalized_shape": 3, "elementwise_affine": False}
        twin = "torch.nn.LayerNorm"
        return [
            Example({"normalized_shape": 4}, shapes=[(3, 4)], reference=twin),
            Example(plane, shapes=[(3, 2, 2, 3)], reference=twin),
            Example(bare, shapes=[(3, 3)], reference=twin),
        ]


class RMSNorm(_RowNorm):
    """y = γ x / √(mean(x²) + ε), with the mean over the last dimensions.

    Shapes: x and y (..., *normalized_shape); γ has the normalized shape.

    Args:
        normalized_shape: the sizes of the last dimensions, or the size of the last one.
        eps: the number ε; the smallest step from 1 in the input's dtype when left out.
        elementwise_affine: whether there is γ.
        device, dtype: of the parameter; torch's defaults when left out.

    Attributes:
        weight: the `Parameter` γ, or None.

    Raises:
        ArgumentError: a value that there is not.
        ShapeError, DtypeError, DeviceError: ``forward`` got an input that does not fit.
        ParameterError: the input records a graph of torch's autograd.

    Reference: B. Zhang and R. Sennrich, Root mean square layer normalization, NeurIPS 2019.
    """

    traceable = True

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.normalized_shape = _sizes("RMSNorm", normalized_shape)
        self.eps = None if eps is None else check_eps("RMSNorm", eps)
        self.elementwise_affine = bool(elementwise_affine)
        ones = torch.ones(self.normalized_shape, dtype=dtype, device=device)
        self.weight = Parameter(ones) if elementwise_affine else None

    def forward(self, x: Tensor) -> Tensor:
        self._check_input(x)
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        wide_x = wide(x)
        scale = (wide_x.square().mean(self._dims(), keepdim=True) + eps).rsqrt()
        self.push((x, scale))
        y = wide_x * scale if self.weight is None else wide_x * scale * self.weight.value
        return y.to(x.dtype)

    # x̂ = x s with s = 1/√(mean(x²) + ε), y = γ x̂:  dγ = Σ dy x̂,
    # and with g = γ dy and means over the row  dx = s (g − x̂ mean(g x̂)).
    def backward(self, grad_output: Tensor) -> Tensor:
        x, scale = self.pop()
        check_grad_output(self, grad_output, x.shape)
        normal = wide(x) * scale
        g = dy = wide(grad_output)
        if self.weight is not None:
            rows = list(range(x.ndim - len(self.normalized_shape)))
            products = dy * normal
            self.weight.grad += products.sum(rows) if rows else products
            g = dy * self.weight.value
        dx: Tensor = scale * (g - normal * (g * normal).mean(self._dims(), keepdim=True))
        return dx.to(x.dtype)

    def _dims(self) -> list[int]:
        return list(range(-len(self.normalized_shape), 0))

    def summary(self) -> str:
        return (
            f"RMSNorm, shape: {times(self.normalized_shape)}, eps: {self.eps}, "
            f"affine: {self.elementwise_affine}"
        )

    @classmethod
    def examples(cls) -> list[Example]:
        plane = {"normalized_shape": [2, 3], "eps": 1e-2}
        bare = {"normalized_shape": 3, "elementwise_affine": False}
        twin = "torch.nn.RMSNorm"
        return [
            Example({"normalized_shape": 4}, shapes=[(3, 4)], reference=twin),
            Example(plane, shapes=[(3, 2, 2, 3)], reference=twin),
            Example(bare, shapes=[(3, 3)], reference=twin),
        ]
