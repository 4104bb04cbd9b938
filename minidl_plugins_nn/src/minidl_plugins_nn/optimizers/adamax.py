"""Adamax: Adam by the largest gradient instead of the mean square."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import Example
from minidl_plugins_nn.hyperparameters import Number, Numbers
from minidl_plugins_nn.optimizers.averages import update_average
from minidl_plugins_nn.optimizers.rule import RuleOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_core import Parameter

__all__ = ["Adamax"]


class Adamax(RuleOptimizer):
    """p ← p − lr / (1 − β₁ᵗ) · m / u.

    With g the gradient (plus λ p, the weight decay) at step t = 1, 2, …, and m and u starting
    at zero::

        m ← β₁ m + (1 − β₁) g
        u ← max(β₂ u, |g| + ε)

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0.
        betas: (β₁, β₂), each at least 0 and below 1.
        eps: ε, at least 0.
        weight_decay: λ, at least 0; for parameters that decay.
        maximize: whether to ascend the gradient.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of another model.

    Reference: D. P. Kingma and J. Ba, Adam: a method for stochastic optimization, ICLR 2015, §7.1.
    """

    traceable = True
    tensors = ("steps", "m", "u")

    lr = Number(least=0)
    betas = Numbers(Number(least=0, below=1), Number(least=0, below=1))
    eps = Number(least=0)
    weight_decay = Number(least=0)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.maximize = maximize
        self.steps, self.m, self.u = self.counter(), self.zeros(), self.zeros()

    def step(self) -> None:
        beta1, beta2 = self.betas
        rate = self.lr / (1 - beta1 ** self.steps.add_(1))
        for p, m, u in zip(self.params, self.m, self.u, strict=True):
            g = self.decayed_gradient(p)
            update_average(m, g, beta1)
            u.copy_(torch.maximum(beta2 * u, g.abs() + self.eps))
            p.value.sub_(rate * m / u)

    @classmethod
    def examples(cls) -> list[Example]:
        numbers = {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}
        return [
            Example({"lr": 0.05}, reference="torch.optim.Adamax"),
            Example(numbers, reference="torch.optim.Adamax"),
        ]
