"""Stochastic gradient descent with all that momentum comes with."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from minidl_core import ArgumentError, Example
from minidl_plugins_nn.hyperparameters import Momentum, Number, is_zero
from minidl_plugins_nn.optimizers.rule import RuleOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from minidl_core import Parameter

__all__ = ["SGD"]


class SGD(RuleOptimizer):
    """p ← p − lr · v,  with  v ← μ v + (1 − τ) g  (the convention of torch.optim.SGD).

    Here g is the gradient (plus λ p, the weight decay), and v, the velocity, is g itself after the
    first step. With `nesterov`, the step is lr · (g + μ v).

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0.
        momentum: μ, at least 0. Without one nothing is kept for it, and v is g.
        dampening: τ.
        weight_decay: λ, at least 0; for parameters that decay.
        nesterov: whether to step to where the velocity leads; needs momentum and no dampening.
        maximize: whether to ascend the gradient.

    Raises:
        ArgumentError: no parameters; a number out of its range; `nesterov` without momentum or
            with dampening.
        ShapeError: a state of another model.

    Reference: I. Sutskever et al., On the importance of initialization and momentum in deep
    learning, ICML 2013, whose velocity has lr inside; torch's and ours has it outside.
    """

    traceable = True
    nesterov: bool = False
    flags = ("maximize", "nesterov")
    tensors = ("steps", "velocity")

    lr = Number(least=0)
    momentum = Momentum()
    dampening = Number()
    weight_decay = Number(least=0)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.momentum, self.dampening = lr, momentum, dampening
        self.weight_decay, self.nesterov, self.maximize = weight_decay, nesterov, maximize
        if nesterov and (not self.momentum or self.dampening):
            raise ArgumentError(
                "nesterov needs a momentum above 0 and no dampening, got "
                f"momentum={momentum!r} and dampening={dampening!r}; write momentum=0.9",
                where="SGD",
            )
        self.steps = self.counter()
        self.velocity = self.zeros() if self.momentum else []

    def step(self) -> None:
        first = self.steps.add_(1) == 1
        for number, p in enumerate(self.params):
            g = self.decayed_gradient(p)
            if self.velocity:
                v = self.velocity[number]
                undamped = is_zero(self.dampening)
                new = g if undamped else torch.where(first, g, (1 - self.dampening) * g)
                v.mul_(self.momentum).add_(new)
                g = g + self.momentum * v if self.nesterov else v
            p.value.sub_(self.lr * g)

    @classmethod
    def examples(cls) -> list[Example]:
        nesterov = partial(cls, momentum=0.9, nesterov=True)
        numbers = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}
        return [
            Example({"lr": 0.1}, reference="torch.optim.SGD"),
            Example({**numbers, "dampening": 0.5}, reference="torch.optim.SGD"),
            Example({"lr": 0.05, "weight_decay": 0.1}, make=nesterov, reference=_nesterov),
        ]


def _nesterov(p: float, grads: Sequence[float], lr: float, weight_decay: float) -> list[float]:
    """Nesterov's rule with a momentum of 0.9 for one number."""
    values, v = [], 0.0
    for g in grads:
        g = g + weight_decay * p
        v = 0.9 * v + g
        p = p - lr * (g + 0.9 * v)
        values.append(p)
    return values
