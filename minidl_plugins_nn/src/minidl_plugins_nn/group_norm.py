"""Group normalisation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    Parameter,
    ShapeError,
    check_alike,
    check_grad_output,
    check_no_graph,
)
from minidl_plugins_nn.channel_norm import check_eps
from minidl_plugins_nn.image_sizes import whole_number

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["GroupNorm"]

_aten = torch.ops.aten


class GroupNorm(BaseModule):
    """y = γ (x − μ) / √(σ² + ε) + β, with the mean and variance of each group of channels.

    μ and σ² are of each row, over the channels of one group and all places; σ² is divided by their
    number.

    Shapes: x and y (n, C, ...); γ and β (C,).

    Args:
        num_groups: the number of groups.
        num_channels: the number of channels C, divisible by the number of groups.
        eps: the number ε.
        affine: whether there are γ and β.
        device, dtype: of the parameters; torch's defaults when left out.
        bias: whether there is β.

    Attributes:
        weight, bias: the `Parameter` γ and β, or None.

    Raises:
        ArgumentError: a value that there is not.
        ShapeError: the input does not fit, or a group has one element.
        DtypeError, DeviceError: the input differs from the parameters.
        ParameterError: the input records a graph of torch's autograd.

    Reference: Y. Wu and K. He, Group normalization, ECCV 2018.
    """

    traceable = True

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        whole_number("GroupNorm", "num_groups", num_groups)
        whole_number("GroupNorm", "num_channels", num_channels)
        if num_channels % num_groups:
            raise ArgumentError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})",
                where="GroupNorm",
            )
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = check_eps("GroupNorm", eps), bool(affine)

        def full(value: float) -> Parameter:
            return Parameter(torch.full((num_channels,), value, dtype=dtype, device=device))

        self.weight = full(1.0) if affine else None
        self.bias = full(0.0) if affine and bias else None

    def forward(self, x: Tensor) -> Tensor:
        self._check_input(x)
        x = x.contiguous()
        gamma, beta = (None if p is None else p.value for p in (self.weight, self.bias))
        y: Tensor
        args = (x, gamma, beta, *self._sizes(x), self.eps)
        y, mean, scale = _aten.native_group_norm(*args)
        self.push((x, mean, scale))
        return y

    # x̂ = (x − μ) s with s = 1/√(σ² + ε), y = γ x̂ + β:  dγ = Σ dy x̂,  dβ = Σ dy,
    # and with g = γ dy and means over each group  dx = s (g − mean(g) − x̂ mean(g x̂)).
    def backward(self, grad_output: Tensor) -> Tensor:
        x, mean, scale = self.pop()
        check_grad_output(self, grad_output, x.shape)
        gamma = None if self.weight is None else self.weight.value
        mask = [True, self.weight is not None, self.bias is not None]
        args = (grad_output.contiguous(), x, mean, scale, gamma, *self._sizes(x), mask)
        dx: Tensor
        dx, dgamma, dbeta = _aten.native_group_norm_backward(*args)
        if self.weight is not None:
            self.weight.grad += dgamma
        if self.bias is not None:
            self.bias.grad += dbeta
        return dx

    def _sizes(self, x: Tensor) -> tuple[int, int, int, int]:
        return (x.shape[0], self.num_channels, math.prod(x.shape[2:]), self.num_groups)

    def _check_input(self, x: Tensor) -> None:
        check_no_graph(self, "input", x)
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ShapeError(
                f"expected an input of shape (batch, {self.num_channels}, ...), got "
                f"{tuple(x.shape)}; reshape the input, or build the layer with its channels",
                where=self,
            )
        if math.prod(x.shape[1:]) == self.num_groups:
            raise ShapeError(
                f"expected more than one element in each of {self.num_groups} groups, got an input "
                f"of shape {tuple(x.shape)}; take fewer groups",
                where=self,
            )
        if self.weight is not None:
            check_alike(self, "input", x, "weight", self.weight.value)

    def summary(self) -> str:
        return (
            f"GroupNorm, groups: {self.num_groups}, channels: {self.num_channels}, "
            f"eps: {self.eps:g}, affine: {self.affine}"
        )

    def __repr__(self) -> str:
        return f"GroupNorm({self.num_groups}, {self.num_channels})"

    @classmethod
    def examples(cls) -> list[Example]:
        pairs = {"num_groups": 2, "num_channels": 4}
        one = {"num_groups": 1, "num_channels": 3, "eps": 1e-2, "affine": False}
        return [
            Example(pairs, shapes=[(3, 4, 2, 2)], reference="torch.nn.GroupNorm"),
            Example(one, shapes=[(3, 3)], reference="torch.nn.GroupNorm"),
        ]
