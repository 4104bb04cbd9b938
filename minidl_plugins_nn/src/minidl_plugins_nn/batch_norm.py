"""Batch normalisation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from minidl_core import Example, ShapeError, check_grad_output
from minidl_plugins_nn.channel_norm import ChannelNorm

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"]

_aten = torch.ops.aten


class _BatchNorm(ChannelNorm):
    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        self.check_input(x, 1)
        y: Tensor
        running, learns = self.running(), self.training and self.track_running_stats
        if x.numel() == 0:
            y, batch = x.clone(), None
        elif running is not None:
            args = (x, *self.values(), *running, 0.0, self.eps)
            y, batch = _aten._native_batch_norm_legit_no_training(*args)[0], None
        else:
            self._check_several(x)
            y, *batch = _aten._native_batch_norm_legit.no_stats(
                x, *self.values(), True, 0.0, self.eps
            )
        self.push((x, batch, running, learns))
        return y

    # x̂ = (x − μ) s with s = 1/√(σ² + ε), y = γ x̂ + β:  dγ = Σ dy x̂,  dβ = Σ dy,  and with
    # g = γ dy  dx = s (g − mean(g) − x̂ mean(g x̂)); in evaluation μ and s are fixed: dx = s g.
    def backward(self, grad_output: Tensor) -> Tensor:
        x, batch, running, learns = self.pop()
        check_grad_output(self, grad_output, x.shape)
        if learns and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        if x.numel() == 0:
            return grad_output.clone()
        statistics = (*(running or (None, None)), *(batch or (None, None)), running is None)
        args = (grad_output, x, self.values()[0], *statistics, self.eps, self.mask())
        dx: Tensor
        dx, dgamma, dbeta = _aten.native_batch_norm_backward(*args)
        self.add_grads(dgamma, dbeta)
        if learns and self.num_batches_tracked is not None:
            mean, scale = batch
            k = math.prod(x.shape) // self.num_features
            var = (scale.pow(-2) - self.eps).clamp(min=0) * (k / (k - 1))
            count = self.num_batches_tracked.to(mean.dtype)
            self.learn(mean, var, 1 / count if self.momentum is None else self.momentum)
        return dx

    def _check_several(self, x: Tensor) -> None:
        if x.numel() == self.num_features:
            raise ShapeError(
                "expected more than one element in each channel to take a mean and a variance of, "
                f"got an input of shape {tuple(x.shape)}; give a larger batch, or call eval()",
                where=self,
            )

    @classmethod
    def examples(cls) -> list[Example]:
        room, twin = [3, 2, 2][: cls.shapes[-1].count(",") - 1], f"torch.nn.{cls.__name__}"
        plain = {"num_features": 3, "affine": False, "track_running_stats": False}
        return [
            Example({"num_features": 3}, shapes=[(4, 3, *room)], reference=twin),
            Example(
                {"num_features": 2, "eps": 1e-2, "momentum": None},
                shapes=[(4, 2, *room)],
                reference=twin,
            ),
            Example(plain, shapes=[(4, 3, *room)], reference=twin),
        ]


class BatchNorm1d(_BatchNorm):
    """y = γ (x − μ) / √(σ² + ε) + β, with the mean and variance of each feature over the batch.

    Shapes: x and y (n, C) or (n, C, length); γ, β and the running statistics (C,). See
    `BatchNorm2d`.
    """

    shapes = ("(batch, C)", "(batch, C, length)")


class BatchNorm2d(_BatchNorm):
    """y = γ (x − μ) / √(σ² + ε) + β, with the mean and variance of each channel over the batch.

    μ and σ² are over the batch and all places, σ² divided by their number k. In evaluation the
    running statistics stand for them. Those are learned in ``backward``, of each batch in turn:
    r ← (1 − momentum) r + momentum s, where s is the batch's mean, or its variance divided by
    k − 1. (torch's momentum is the share of the new.)

    Shapes: x and y (n, C, height, width); γ, β and the running statistics (C,).

    Args:
        num_features: the number of channels C.
        eps: the number ε.
        momentum: the share of the newest batch; None takes the mean of all batches.
        affine: whether there are γ and β.
        track_running_stats: whether there are running statistics; else evaluation, too, uses the
            batch's.
        device, dtype: of parameters and buffers; torch's defaults when left out.
        bias: whether there is β.

    Attributes:
        weight, bias: the `Parameter` γ and β, or None.
        running_mean, running_var, num_batches_tracked: buffers, or None.

    Raises:
        ArgumentError: a value that there is not.
        ShapeError: the input does not fit, or has one element in each channel in training.
        DtypeError, DeviceError: the input differs from the parameters.
        ParameterError: the input records a graph of torch's autograd.

    Reference: S. Ioffe and C. Szegedy, Batch normalization, ICML 2015.
    """

    shapes = ("(batch, C, height, width)",)


class BatchNorm3d(_BatchNorm):
    """y = γ (x − μ) / √(σ² + ε) + β, with the mean and variance of each channel over the batch.

    Shapes: x and y (n, C, depth, height, width); γ, β and the running statistics (C,). See
    `BatchNorm2d`.
    """

    shapes = ("(batch, C, depth, height, width)",)
