"""Adagrad: each element by the size of all its gradients so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import Example
from minidl_plugins_nn.hyperparameters import Number
from minidl_plugins_nn.optimizers.rule import RuleOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_core import Parameter

__all__ = ["Adagrad"]


class Adagrad(RuleOptimizer):
    """p ← p − lr / (1 + (t − 1) η) · g / (√s + ε),  with  s ← s + g².

    Here g is the gradient (plus λ p, the weight decay) at step t = 1, 2, ….

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0.
        lr_decay: η, at least 0.
        weight_decay: λ, at least 0; for parameters that decay.
        initial_accumulator_value: what s starts at, at least 0.
        eps: ε, at least 0.
        maximize: whether to ascend the gradient.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of another model.

    Reference: J. Duchi et al., Adaptive subgradient methods for online learning and stochastic
    optimization, JMLR 2011.
    """

    traceable = True
    tensors = ("steps", "sums")

    lr = Number(least=0)
    lr_decay = Number(least=0)
    weight_decay = Number(least=0)
    initial_accumulator_value = Number(least=0)
    eps = Number(least=0)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.lr_decay, self.weight_decay, self.eps = lr, lr_decay, weight_decay, eps
        self.initial_accumulator_value = initial_accumulator_value
        self.maximize = maximize
        self.steps, self.sums = self.counter(), self.zeros()
        for s in self.sums:
            s.fill_(self.initial_accumulator_value)

    def step(self) -> None:
        t = self.steps.add_(1)
        rate = self.lr / (1 + (t - 1) * self.lr_decay)
        for p, s in zip(self.params, self.sums, strict=True):
            g = self.decayed_gradient(p)
            s.add_(g * g)
            p.value.sub_(rate * g / (s.sqrt() + self.eps))

    @classmethod
    def examples(cls) -> list[Example]:
        numbers = {
            "lr": 0.1,
            "lr_decay": 0.5,
            "weight_decay": 0.1,
            "initial_accumulator_value": 0.1,
            "eps": 1e-3,
        }
        return [
            Example({"lr": 0.05}, reference="torch.optim.Adagrad"),
            Example(numbers, reference="torch.optim.Adagrad"),
        ]
