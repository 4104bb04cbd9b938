"""What the norms with running statistics share: parameters, buffers, and how they are learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    Parameter,
    ShapeError,
    check_alike,
    check_no_graph,
)
from minidl_plugins_nn.image_sizes import whole_number

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ChannelNorm", "check_eps"]


def check_eps(where: str, eps: float) -> float:
    """Return `eps` if it is a positive number."""
    if not isinstance(eps, (int, float)) or isinstance(eps, bool) or not eps > 0:
        raise ArgumentError(f"eps must be a positive number, got {eps!r}", where=where)
    return float(eps)


class ChannelNorm(BaseModule):
    """A norm of each channel with γ, β and running statistics; see `BatchNorm2d`."""

    shapes: ClassVar[tuple[str, ...]]  # of the input, in words

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        where = type(self).__name__
        self.num_features = whole_number(where, "num_features", num_features)
        self.eps = check_eps(where, eps)
        if momentum is not None and not (isinstance(momentum, (int, float)) and 0 <= momentum <= 1):
            raise ArgumentError(
                "momentum must be a number from 0 to 1, or None for the mean of all batches, got "
                f"{momentum!r}",
                where=where,
            )
        self.momentum = momentum
        self.affine, self.track_running_stats = bool(affine), bool(track_running_stats)

        def full(value: float) -> Tensor:
            return torch.full((num_features,), value, dtype=dtype, device=device)

        self.weight = Parameter(full(1.0)) if affine else None
        self.bias = Parameter(full(0.0)) if affine and bias else None
        tracks = self.track_running_stats
        self.register_buffer("running_mean", full(0.0) if tracks else None)
        self.register_buffer("running_var", full(1.0) if tracks else None)
        count = torch.zeros((), dtype=torch.int64, device=device) if tracks else None
        self.register_buffer("num_batches_tracked", count)

    def values(self) -> tuple[Tensor | None, Tensor | None]:
        """Return the tensors γ and β, or None where there is none."""
        gamma = None if self.weight is None else self.weight.value
        return gamma, None if self.bias is None else self.bias.value

    def mask(self) -> list[bool]:
        """Return which gradients there are: of the data, of γ, of β."""
        return [True, self.weight is not None, self.bias is not None]

    def add_grads(self, gamma: Tensor, beta: Tensor) -> None:
        """Add the gradients of γ and β where there are such parameters."""
        if self.weight is not None:
            self.weight.grad += gamma
        if self.bias is not None:
            self.bias.grad += beta

    def running(self) -> tuple[Tensor, Tensor] | None:
        """Return the running mean and variance if they are to be used now: in evaluation."""
        mean, var = self.running_mean, self.running_var
        return None if self.training or mean is None or var is None else (mean, var)

    def learn(self, mean: Tensor, var: Tensor, momentum: float | Tensor) -> None:
        """Move the running statistics towards those of a batch: r ← (1 − m) r + m s."""
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.copy_((1 - momentum) * self.running_mean + momentum * mean)
            self.running_var.copy_((1 - momentum) * self.running_var + momentum * var)

    def check_input(self, x: Tensor, channel: int) -> None:
        """Check that `x` has one of the shapes, and its channels in dimension `channel`."""
        check_no_graph(self, "input", x)
        expected = " or ".join(self.shapes).replace("C", str(self.num_features))
        dims = [shape.count(",") + 1 for shape in self.shapes]
        if x.ndim not in dims or x.shape[channel] != self.num_features:
            raise ShapeError(
                f"expected an input of shape {expected}, got {tuple(x.shape)}; reshape the input, "
                "or build the layer with its number of channels",
                where=self,
            )
        if self.weight is not None:
            check_alike(self, "input", x, "weight", self.weight.value)
        elif self.running_mean is not None:
            check_alike(self, "input", x, "running mean", self.running_mean)

    def summary(self) -> str:
        return (
            f"{type(self).__name__}, channels: {self.num_features}, eps: {self.eps:g}, "
            f"affine: {self.affine}, running statistics: {self.track_running_stats}"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.num_features})"
