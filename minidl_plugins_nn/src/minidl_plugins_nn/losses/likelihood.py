"""Divergence and likelihood: KLDivLoss, PoissonNLLLoss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import torch

from minidl_core import Example
from minidl_plugins_nn.finite import finite_number
from minidl_plugins_nn.losses.reduced import (
    ElementwiseLoss,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["KLDivLoss", "PoissonNLLLoss"]


class KLDivLoss(ElementwiseLoss):
    """J = 1/N Σᵢ qᵢ (log qᵢ − xᵢ), where X holds log-probabilities and the target probabilities q.

    The divergence of whole distributions is the sum over them: ``"batchmean"`` is the mean of it
    over the first dimension. ``"mean"`` divides by the number of all elements, as in torch, which
    is not the divergence.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"batchmean"``.
        log_target: whether the target holds log q.

    Raises:
        ArgumentError: another `reduction`.
        ShapeError: prediction and target differ in shape, or are empty.
        DtypeError, DeviceError: they differ in dtype or device.
    """

    REDUCTIONS: ClassVar[tuple[str, ...]] = ("mean", "sum", "batchmean")

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = log_target

    def share(self, values: Tensor) -> float:
        if self.reduction == "batchmean":
            return 1 / values.shape[0] if values.ndim else 1.0
        return super().share(values)

    def values(self, x: Tensor, target: Tensor) -> Tensor:
        if self.log_target:
            return target.exp() * (target - x)
        return torch.xlogy(target, target) - target * x  # 0 log 0 = 0

    # d/dx q (log q − x) = −q
    def slopes(self, x: Tensor, target: Tensor) -> Tensor:
        return -target.exp() if self.log_target else -target

    @classmethod
    def examples(cls) -> list[Example]:
        def draw(generator: torch.Generator, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
            x, target = torch.randn((2, *shape), generator=generator)
            return x.log_softmax(-1), target.softmax(-1)

        return [
            Example(shapes=[(4, 3)], draw=draw),
            Example({"reduction": "batchmean"}, shapes=[(4, 3)], draw=draw),
            Example({"reduction": "sum", "log_target": True}, shapes=[(2, 3)]),
        ]


class PoissonNLLLoss(ElementwiseLoss):
    """J = 1/N Σᵢ (e^xᵢ − lᵢ xᵢ), the negative log-likelihood of counts L with mean e^X.

    Without `log_input` the mean is X itself: v = x − l log(x + ε). The constant log l! is left
    out; `full` adds Stirling's approximation of it, l log l − l + ½ log(2πl), where l > 1.

    Args:
        log_input: whether X is the logarithm of the mean.
        full: whether to add the approximation of log l!.
        eps: ε, above 0.
        reduction: ``"mean"`` or ``"sum"``.

    Raises:
        ArgumentError: another `reduction`, or `eps` is not above 0.
        ShapeError: prediction and target differ in shape, or are empty.
        DtypeError, DeviceError: they differ in dtype or device.
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        *,
        eps: float = 1e-8,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.log_input = log_input
        self.full = full
        self.eps = finite_number(self, "eps", eps, above=0)

    def values(self, x: Tensor, target: Tensor) -> Tensor:
        v = x.exp() - target * x if self.log_input else x - target * (x + self.eps).log()
        if not self.full:
            return v
        counts = target.clamp(min=1)  # what is below 1 is masked, and must not make NaN
        stirling = counts * counts.log() - counts + (2 * math.pi * counts).log() / 2
        return v + stirling.masked_fill(target <= 1, 0)

    # v'(x) = eˣ − l, or 1 − l / (x + ε)
    def slopes(self, x: Tensor, target: Tensor) -> Tensor:
        return x.exp() - target if self.log_input else 1 - target / (x + self.eps)

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example(shapes=[(4, 3)]),
            Example({"log_input": False, "eps": 0.5}, shapes=[(4, 3)], low=0.5, high=3.0),
            Example({"full": True, "reduction": "sum"}, shapes=[(2, 3)], low=0.5, high=4.0),
        ]
