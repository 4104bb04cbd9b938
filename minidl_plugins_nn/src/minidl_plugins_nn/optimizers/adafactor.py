"""Adafactor: Adam's second moment from its row and column means, so that it takes little memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import Example
from minidl_plugins_nn.half import wide
from minidl_plugins_nn.hyperparameters import Number, Numbers
from minidl_plugins_nn.optimizers.averages import update_average
from minidl_plugins_nn.optimizers.rule import RuleOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from minidl_core import Parameter

__all__ = ["Adafactor"]


class Adafactor(RuleOptimizer):
    """p ← (1 − lr λ) p − α · U / max(1, RMS(U) / d),  with  U = g / √v.

    With g the gradient at step t = 1, 2, …, w = t^β the weight of the newest gradient, and r, c
    and v starting at zero; for a matrix (R, C), or each of several in the leading dimensions::

        r ← (1 − w) r + w · mean over columns of g²         # (R, 1)
        c ← (1 − w) c + w · mean over rows of g²            # (1, C)
        v = max(r c / max(mean(r), ε₁), ε₁²)                # (R, C)

    For a vector v ← (1 − w) v + w g², at least ε₁². The step is relative to the parameter:
    α = max(ε₂, RMS(p)) · min(lr, 1 / √t).

    Args:
        params: what ``model.param()`` returns.
        lr: the largest relative step, at least 0.
        beta2_decay: β, at most 0.
        eps: (ε₁, ε₂), each at least 0; None for the machine precision of the parameter.
        d: the largest root mean square of U that is not scaled down, at least 1.
        weight_decay: λ, at least 0; for parameters that decay.
        maximize: whether to ascend the gradient.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of another model.

    Reference: N. Shazeer and M. Stern, Adafactor: adaptive learning rates with sublinear memory
    cost, ICML 2018.
    """

    traceable = True
    decoupled_weight_decay = True
    tensors = ("steps", "rows", "columns")

    lr = Number(least=0)
    beta2_decay = Number(most=0)
    eps = Numbers(Number(least=0, optional=True), Number(least=0))
    d = Number(least=1)
    weight_decay = Number(least=0)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.beta2_decay, self.eps, self.d = lr, beta2_decay, eps, d
        self.weight_decay, self.maximize = weight_decay, maximize
        self.steps = self.counter()
        # Of a vector, rows has v, and columns an empty tensor.
        values = [wide(p.value) for p in self.params]
        self.rows = [torch.zeros_like(x if x.ndim < 2 else x[..., :1]) for x in values]
        self.columns = [
            x.new_zeros(0) if x.ndim < 2 else torch.zeros_like(x[..., :1, :]) for x in values
        ]

    def step(self) -> None:
        t = self.steps.add_(1)
        newest = t**self.beta2_decay
        rho = t.rsqrt().clamp(max=self.lr)
        for p, row, column in zip(self.params, self.rows, self.columns, strict=True):
            eps1 = torch.finfo(p.value.dtype).eps if self.eps[0] is None else self.eps[0]
            alpha = _rms(p.value).clamp(min=self.eps[1]) * rho
            g = self.decayed_gradient(p)
            squared = g * g
            if g.ndim < 2:
                v = update_average(row, squared, 1 - newest)
            else:
                update_average(row, squared.mean(-1, keepdim=True), 1 - newest)
                update_average(column, squared.mean(-2, keepdim=True), 1 - newest)
                v = row * column / row.mean(-2, keepdim=True).clamp(min=eps1)
            update = g * v.clamp(min=eps1 * eps1).rsqrt()
            p.value.sub_(alpha / (_rms(update) / self.d).clamp(min=1) * update)

    @classmethod
    def examples(cls) -> list[Example]:
        numbers = {"lr": 0.1, "beta2_decay": -0.5, "eps": (2.0, 3.0), "d": 2.2, "weight_decay": 0.1}
        return [
            Example({"lr": 0.05}, reference="torch.optim.Adafactor"),
            Example(numbers, reference="torch.optim.Adafactor"),
        ]


def _rms(x: Tensor) -> Tensor:
    rms: Tensor = torch.linalg.vector_norm(wide(x)) / x.numel() ** 0.5
    return rms
