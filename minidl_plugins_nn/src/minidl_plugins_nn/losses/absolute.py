"""Losses of the absolute difference: L1Loss, SmoothL1Loss, HuberLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import ArgumentError, Example
from minidl_plugins_nn.finite import finite_number
from minidl_plugins_nn.losses.reduced import ElementwiseLoss

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["HuberLoss", "L1Loss", "SmoothL1Loss"]


class L1Loss(ElementwiseLoss):
    """J(X, L) = 1/N Σᵢ |xᵢ − lᵢ|, the mean over all N elements (not over rows only).

    The derivative at 0, where there is none, is taken as 0, as in torch.

    Args:
        reduction: ``"mean"`` or ``"sum"``.

    Raises:
        ArgumentError: another `reduction`.
        ShapeError: prediction and target differ in shape, or are empty.
        DtypeError, DeviceError: they differ in dtype or device.
    """

    def values(self, x: Tensor, target: Tensor) -> Tensor:
        return (x - target).abs()

    # d/dx |x − l| = sign(x − l)
    def slopes(self, x: Tensor, target: Tensor) -> Tensor:
        return (x - target).sign()


class SmoothL1Loss(ElementwiseLoss):
    """J = 1/N Σᵢ v(dᵢ), d = X − L, with v(d) = d² / 2β where |d| < β, else |d| − β/2.

    With β = 0 it is L1Loss. It is HuberLoss with δ = β, divided by β.

    Args:
        reduction: ``"mean"`` or ``"sum"``.
        beta: β, at least 0.

    Raises:
        ArgumentError: another `reduction`, or a negative `beta`.
        ShapeError: prediction and target differ in shape, or are empty.
        DtypeError, DeviceError: they differ in dtype or device.

    Reference: R. Girshick, Fast R-CNN, ICCV 2015.
    """

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = finite_number(self, "beta", beta)
        if beta < 0:
            raise ArgumentError(f"beta must be at least 0, got {beta!r}", where="SmoothL1Loss")

    # with c = d inside and ±β outside, both cases are c (d − c/2) / β
    def values(self, x: Tensor, target: Tensor) -> Tensor:
        d = x - target
        if not self.beta:
            return d.abs()
        c = d.clamp(-self.beta, self.beta)
        return c * (d - c / 2) / self.beta

    # v'(d) = d/β where |d| < β, else ±1
    def slopes(self, x: Tensor, target: Tensor) -> Tensor:
        d = x - target
        return (d / self.beta).clamp(-1, 1) if self.beta else d.sign()

    def summary(self) -> str:
        return f"{super().summary()}, beta: {self.beta}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [*super().examples(), Example({"beta": 0.5}, shapes=[(4, 3)])]


class HuberLoss(ElementwiseLoss):
    """J = 1/N Σᵢ v(dᵢ), d = X − L, with v(d) = d² / 2 where |d| ≤ δ, else δ (|d| − δ/2).

    Args:
        reduction: ``"mean"`` or ``"sum"``.
        delta: δ, above 0.

    Raises:
        ArgumentError: another `reduction`, or `delta` is not above 0.
        ShapeError: prediction and target differ in shape, or are empty.
        DtypeError, DeviceError: they differ in dtype or device.

    Reference: P. J. Huber, Robust estimation of a location parameter, 1964.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = finite_number(self, "delta", delta, above=0)

    # with c = d inside and ±δ outside, both cases are c (d − c/2)
    def values(self, x: Tensor, target: Tensor) -> Tensor:
        d = x - target
        c = d.clamp(-self.delta, self.delta)
        return c * (d - c / 2)

    # v'(d) = d where |d| ≤ δ, else ±δ
    def slopes(self, x: Tensor, target: Tensor) -> Tensor:
        return torch.clamp(x - target, -self.delta, self.delta)

    def summary(self) -> str:
        return f"{super().summary()}, delta: {self.delta}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [*super().examples(), Example({"delta": 0.5}, shapes=[(4, 3)])]
