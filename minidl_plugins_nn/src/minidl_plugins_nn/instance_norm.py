"""Instance normalisation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from minidl_core import Example, ShapeError, check_grad_output
from minidl_plugins_nn.activations.elementwise import check_input as check_floating
from minidl_plugins_nn.channel_norm import ChannelNorm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]

_aten = torch.ops.aten


class _InstanceNorm(ChannelNorm):
    traceable = True

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        statistics = (momentum, affine, track_running_stats)
        super().__init__(num_features, eps, *statistics, device, dtype, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        check_floating(self, x)
        batched = x.ndim == self.shapes[-1].count(",") + 1
        self.check_input(x, 1 if batched else 0)
        shape, x = x.shape, (x if batched else x.unsqueeze(0)).contiguous()
        running, learns = self.running(), self.training and self.track_running_stats
        if running is not None:
            args = (x, *self.values(), *running, 0.0, self.eps)
            y, batch = _aten._native_batch_norm_legit_no_training(*args)[0], None
        else:
            self._check_several(shape)
            y, *batch = _aten.native_group_norm(x, *self.values(), *self._sizes(x), self.eps)
        self.push((x, batch, running, learns, shape))
        normalised: Tensor = y.view(shape)
        return normalised

    # x̂ = (x − μ) s with s = 1/√(σ² + ε) for each row and channel, y = γ x̂ + β:
    # dγ = Σ dy x̂,  dβ = Σ dy,  and with g = γ dy  dx = s (g − mean(g) − x̂ mean(g x̂));
    # with running statistics μ and s are fixed: dx = s g.
    def backward(self, grad_output: Tensor) -> Tensor:
        x, batch, running, learns, shape = self.pop()
        check_grad_output(self, grad_output, shape)
        dy, gamma = grad_output.reshape(x.shape).contiguous(), self.values()[0]
        if running is None:
            args = (dy, x, *batch, gamma, *self._sizes(x), self.mask())
            dx, dgamma, dbeta = _aten.native_group_norm_backward(*args)
        else:
            fixed = (*running, None, None, False, self.eps)
            dx, dgamma, dbeta = _aten.native_batch_norm_backward(dy, x, gamma, *fixed, self.mask())
        self.add_grads(dgamma, dbeta)
        if learns:
            var = x.flatten(2).var(-1)  # divided by the number of places less 1
            self.learn(batch[0].mean(0), var.mean(0), self.momentum or 0.0)
        data: Tensor = dx.view(shape)
        return data

    def _check_several(self, shape: Sequence[int]) -> None:
        if math.prod(shape[-self.shapes[0].count(",") :]) == 1:
            raise ShapeError(
                "expected more than one element in each channel to take a mean and a variance of, "
                f"got an input of shape {tuple(shape)}; give a larger input",
                where=self,
            )

    def _sizes(self, x: Tensor) -> tuple[int, int, int, int]:
        """The arguments of the group norm in which each channel is a group."""
        return (x.shape[0], self.num_features, math.prod(x.shape[2:]), self.num_features)

    @classmethod
    def examples(cls) -> list[Example]:
        room, twin = [5, 3, 2][: cls.shapes[0].count(",")], f"torch.nn.{cls.__name__}"
        return [
            Example({"num_features": 3}, shapes=[(2, 3, *room)], reference=twin),
            Example(
                {"num_features": 2, "eps": 1e-2, "affine": True, "track_running_stats": True},
                shapes=[(3, 2, *room)],
                reference=twin,
            ),
        ]


class InstanceNorm1d(_InstanceNorm):
    """y = γ (x − μ) / √(σ² + ε) + β, with the mean and variance of each channel of each row.

    Shapes: x and y (n, C, length), or without n; γ, β and the running statistics (C,). See
    `InstanceNorm2d`.
    """

    shapes = ("(C, length)", "(batch, C, length)")


class InstanceNorm2d(_InstanceNorm):
    """y = γ (x − μ) / √(σ² + ε) + β, with the mean and variance of each channel of each row.

    μ and σ² are over all places, σ² divided by their number k; in evaluation too, unless there are
    running statistics. Those are learned in ``backward``: r ← (1 − momentum) r + momentum s, where
    s is the mean over the rows of μ, or of the variance divided by k − 1.

    Shapes: x and y (n, C, height, width), or without n; γ, β and the running statistics (C,).

    Args:
        num_features: the number of channels C.
        eps: the number ε.
        momentum: the share of the newest batch; None learns nothing, as in torch.
        affine: whether there are γ and β.
        track_running_stats: whether there are running statistics.
        device, dtype: of parameters and buffers; torch's defaults when left out.
        bias: whether there is β.

    Attributes:
        weight, bias: the `Parameter` γ and β, or None.
        running_mean, running_var, num_batches_tracked: buffers, or None; the last stays 0, as in
            torch.

    Raises:
        ArgumentError: a value that there is not.
        ShapeError: the input does not fit, or has one element in each channel.
        DtypeError, DeviceError: the input differs from the parameters.
        ParameterError: the input records a graph of torch's autograd.

    Reference: D. Ulyanov, A. Vedaldi and V. Lempitsky, Instance normalization, 2016.
    """

    shapes = ("(C, height, width)", "(batch, C, height, width)")


class InstanceNorm3d(_InstanceNorm):
    """y = γ (x − μ) / √(σ² + ε) + β, with the mean and variance of each channel of each row.

    Shapes: x and y (n, C, depth, height, width), or without n; γ, β and the running statistics
    (C,). See `InstanceNorm2d`.
    """

    shapes = ("(C, depth, height, width)", "(batch, C, depth, height, width)")
