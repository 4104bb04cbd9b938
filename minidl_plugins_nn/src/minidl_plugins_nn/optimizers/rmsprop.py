"""RMSprop: the gradient by a running average of its size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import Example
from minidl_plugins_nn.hyperparameters import Momentum, Number
from minidl_plugins_nn.optimizers.averages import update_average
from minidl_plugins_nn.optimizers.rule import RuleOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_core import Parameter

__all__ = ["RMSprop"]


class RMSprop(RuleOptimizer):
    """p ← p − lr · b,  with  b ← μ b + g / (√v + ε)  (ε outside of the root).

    With g the gradient (plus λ p, the weight decay), and all averages starting at zero::

        v ← α v + (1 − α) g²

    With `centered`, a ← α a + (1 − α) g, and v − a² takes the place of v in the step.

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0.
        alpha: α, at least 0.
        eps: ε, at least 0.
        weight_decay: λ, at least 0; for parameters that decay.
        momentum: μ, at least 0. Without one nothing is kept for it.
        centered: whether to divide by the deviation from the mean gradient.
        maximize: whether to ascend the gradient.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of another model.

    Reference: G. Hinton, Neural networks for machine learning, lecture 6a; A. Graves, Generating
    sequences with recurrent neural networks, 2013 (`centered`).
    """

    traceable = True
    centered: bool = False
    flags = ("maximize", "centered")
    tensors = ("v", "mean", "velocity")

    lr = Number(least=0)
    alpha = Number(least=0)
    eps = Number(least=0)
    weight_decay = Number(least=0)
    momentum = Momentum()

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.alpha, self.eps, self.weight_decay = lr, alpha, eps, weight_decay
        self.momentum, self.centered, self.maximize = momentum, centered, maximize
        self.v = self.zeros()
        self.mean = self.zeros() if centered else []
        self.velocity = self.zeros() if self.momentum else []

    def step(self) -> None:
        for number, (p, v) in enumerate(zip(self.params, self.v, strict=True)):
            g = self.decayed_gradient(p)
            update_average(v, g * g, self.alpha)
            if self.centered:
                mean = update_average(self.mean[number], g, self.alpha)
                v = v - mean * mean
            step = g / v.sqrt().add_(self.eps)
            if self.velocity:
                step = self.velocity[number].mul_(self.momentum).add_(step)
            p.value.sub_(self.lr * step)

    @classmethod
    def examples(cls) -> list[Example]:
        numbers = {"lr": 0.02, "alpha": 0.8, "eps": 1e-3, "weight_decay": 0.1, "momentum": 0.5}
        return [
            Example({"lr": 0.05}, reference="torch.optim.RMSprop"),
            Example(numbers, reference="torch.optim.RMSprop"),
            Example({**numbers, "centered": True}, reference="torch.optim.RMSprop"),
        ]
