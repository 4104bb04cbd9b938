"""Adadelta: steps in the unit of the parameter, by averages of gradients and of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import Example
from minidl_plugins_nn.hyperparameters import Number
from minidl_plugins_nn.optimizers.averages import update_average
from minidl_plugins_nn.optimizers.rule import RuleOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_core import Parameter

__all__ = ["Adadelta"]


class Adadelta(RuleOptimizer):
    """p ← p − lr · Δ,  with  Δ = √(u + ε) / √(v + ε) · g.

    With g the gradient (plus λ p, the weight decay), and v and u starting at zero; v changes
    before the step and u after it::

        v ← ρ v + (1 − ρ) g²        u ← ρ u + (1 − ρ) Δ²

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0.
        rho: ρ, from 0 to 1.
        eps: ε, at least 0.
        weight_decay: λ, at least 0; for parameters that decay.
        maximize: whether to ascend the gradient.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of another model.

    Reference: M. D. Zeiler, ADADELTA: an adaptive learning rate method, 2012.
    """

    traceable = True
    tensors = ("v", "u")

    lr = Number(least=0)
    rho = Number(least=0, most=1)
    eps = Number(least=0)
    weight_decay = Number(least=0)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.rho, self.eps, self.weight_decay = lr, rho, eps, weight_decay
        self.maximize = maximize
        self.v, self.u = self.zeros(), self.zeros()

    def step(self) -> None:
        for p, v, u in zip(self.params, self.v, self.u, strict=True):
            g = self.decayed_gradient(p)
            update_average(v, g * g, self.rho)
            delta = (u + self.eps).sqrt() / (v + self.eps).sqrt() * g
            update_average(u, delta * delta, self.rho)
            p.value.sub_(self.lr * delta)

    @classmethod
    def examples(cls) -> list[Example]:
        numbers = {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1}
        return [
            Example({"lr": 0.9}, reference="torch.optim.Adadelta"),
            Example(numbers, reference="torch.optim.Adadelta"),
        ]
