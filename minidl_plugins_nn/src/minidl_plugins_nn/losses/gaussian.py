"""The negative log-likelihood of a normal law."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import ArgumentError, Example, ShapeError, check_alike
from minidl_plugins_nn.finite import finite_number
from minidl_plugins_nn.losses.reduced import (
    ReducedLoss,
    check_prediction,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["GaussianNLLLoss"]


class GaussianNLLLoss(ReducedLoss):
    """J = 1/N Σᵢ ½ (log vᵢ + (xᵢ − lᵢ)² / vᵢ), with v = max(variance, ε), the mean over X's N.

    ``forward(input, target, var)`` keeps torch's order, and ``backward()`` returns the gradients
    of input and var (of input alone, if var is a number). ``train`` passes the target last: to
    train a model that returns the pair (mean, variance), make the loss with ``target_last=True``.
    It then expects ``forward(input, var, target)``.

    Where the variance is below ε the gradient is that at v = ε, as in torch, and not 0: the
    variance could not grow again.

    Shapes: input and target alike; var the same, or with a last dimension of size 1 or none (one
    variance for each row), or 1 in one other dimension.

    Args:
        full: whether to add the constant ½ log 2π.
        eps: ε, above 0.
        reduction: ``"mean"`` or ``"sum"``.
        target_last: whether ``forward`` takes (input, var, target).

    Raises:
        ArgumentError: another `reduction`; `eps` is not above 0; var is a negative number.
        ShapeError: the shapes do not fit.
        DtypeError, DeviceError: the tensors differ in dtype or device.

    A variance tensor with negative elements makes the loss NaN, which ``train`` refuses.

    Reference: D. Nix and A. Weigend, Estimating the mean and variance of the target probability
    distribution, 1994.
    """

    traceable = True

    def __init__(
        self,
        *,
        full: bool = False,
        eps: float = 1e-6,
        reduction: str = "mean",
        target_last: bool = False,
    ) -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = finite_number(self, "eps", eps, above=0)
        self.target_last = target_last

    def forward(self, input: Tensor, target: Any, var: Any) -> Tensor:
        if self.target_last:
            target, var = var, target
        v, shape = self._variance(input, target, var)
        d = input - target
        self.push((d, v, shape))
        values = (v.log() + d * d / v) / 2
        return self.reduced(values + math.log(2 * math.pi) / 2 if self.full else values)

    # dJ/dX = (X − L) / v / N,  dJ/dv = ½ (1/v − (X − L)² / v²) / N, summed where v is shared
    def backward(self) -> Any:
        kept: tuple[Tensor, Tensor, torch.Size | None] = self.pop()
        d, v, shape = kept
        dx = d / v * self.share(d)
        if shape is None:
            return dx
        dv = (1 / v - (d / v).square()) / 2 * self.share(d)
        return dx, dv.sum_to_size(v.shape).reshape(shape)

    def _variance(
        self, x: Tensor, target: Tensor, var: Tensor | float
    ) -> tuple[Tensor, torch.Size | None]:
        """Return v, which broadcasts to X, and the shape of var (None for a number)."""
        check_prediction(self, x, "input")
        check_alike(self, "target", target, "input", x)
        if x.shape != target.shape:
            raise ShapeError(
                f"input {tuple(x.shape)} and target {tuple(target.shape)} must have the same "
                "shape; reshape the target, for it is never broadcast",
                where=self,
            )
        if not isinstance(var, torch.Tensor):
            if finite_number(self, "var", var) < 0:
                raise ArgumentError(f"var must be at least 0, got {var!r}", where=self)
            return torch.full_like(x, max(float(var), self.eps)), None
        check_alike(self, "variance", var, "input", x)
        shape = var.shape
        v = var.unsqueeze(-1) if shape == x.shape[:-1] and shape != x.shape else var
        same = [a == b for a, b in zip(x.shape, v.shape, strict=False)]
        ones = [b for a, b in zip(x.shape, v.shape, strict=False) if a != b]
        if x.ndim != v.ndim or (not all(same) and ones != [1]):
            raise ShapeError(
                f"expected variances of the input's shape {tuple(x.shape)}, or with 1 in one "
                f"dimension, or without the last, got {tuple(shape)}",
                where=self,
            )
        return v.clamp(min=self.eps).masked_fill(v < 0, math.nan), shape

    @classmethod
    def examples(cls) -> list[Example]:
        def draw(generator: torch.Generator, *shapes: tuple[int, ...]) -> tuple[Tensor, ...]:
            x, target = torch.randn((2, *shapes[0]), generator=generator)
            return x, torch.rand(shapes[1], generator=generator) + 0.5, target

        last = {"target_last": True}
        other = {**last, "full": True, "reduction": "sum"}
        return [
            Example(last, shapes=[(4, 3), (4, 3)], draw=draw),
            Example(other, shapes=[(4, 3), (4,)], draw=draw),
        ]
