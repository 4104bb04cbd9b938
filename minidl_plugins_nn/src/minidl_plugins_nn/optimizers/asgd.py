"""ASGD: gradient descent with a falling rate, whose result is the average of where it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from minidl_core import Example
from minidl_plugins_nn.half import wide
from minidl_plugins_nn.hyperparameters import Number
from minidl_plugins_nn.optimizers.averages import exchanged, update_average
from minidl_plugins_nn.optimizers.rule import RuleOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    from minidl_core import Parameter

__all__ = ["ASGD"]


class ASGD(RuleOptimizer):
    """p ← (1 − Λ η) p − η g,  with  η = lr / (1 + Λ lr (t − 1))^α  at step t = 1, 2, ….

    Here g is the gradient (plus λ p, the weight decay). The average of p begins after t₀ steps;
    before that it is p itself::

        a ← a + (p − a) / max(1, t − 1 − t₀)

    ``with optimizer.averaged(): ...`` puts a into the parameters.

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0.
        lambd: Λ, at least 0; for parameters that decay.
        alpha: α.
        t0: t₀, at least 0.
        weight_decay: λ, at least 0; for parameters that decay.
        maximize: whether to ascend the gradient.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of another model.

    Reference: B. T. Polyak and A. B. Juditsky, Acceleration of stochastic approximation by
    averaging, 1992.
    """

    traceable = True
    tensors = ("steps", "averages")
    conformance_exceptions: ClassVar = {
        "hyperparameters_matter": "t0 acts on the averages, which are not in the parameters"
    }

    lr = Number(least=0)
    lambd = Number(least=0)
    alpha = Number()
    t0 = Number(least=0)
    weight_decay = Number(least=0)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.lambd, self.alpha, self.t0 = lr, lambd, alpha, t0
        self.weight_decay, self.maximize = weight_decay, maximize
        self.steps = self.counter()
        self.averages = [wide(parameter.value).clone() for parameter in self.params]

    def step(self) -> None:
        before = self.steps.add_(1) - 1
        eta = self.lr / (1 + self.lambd * self.lr * before) ** self.alpha
        weight = 1 / (before - self.t0).clamp(min=1)
        for p, a in zip(self.params, self.averages, strict=True):
            g = self.decayed_gradient(p)
            if p.decays:
                p.value.mul_(1 - self.lambd * eta)
            p.value.sub_(eta * g)
            update_average(a, p.value, 1 - weight)

    def averaged(self) -> AbstractContextManager[None]:
        """Put the averages into the parameters within a ``with`` block."""
        return exchanged(self.params, self.averages)

    @classmethod
    def examples(cls) -> list[Example]:
        numbers = {"lr": 0.1, "lambd": 0.5, "alpha": 0.6, "t0": 5, "weight_decay": 0.1}
        return [
            Example({"lr": 0.05, "t0": 5}, reference=_asgd),
            Example(numbers, reference=_asgd),
        ]


def _asgd(
    p: float,
    grads: Sequence[float],
    lr: float,
    lambd: float = 1e-4,
    alpha: float = 0.75,
    weight_decay: float = 0.0,
    **_: float,
) -> list[float]:
    """ASGD for one number. (torch's own keeps η in float32, and is right to 7 digits only.)"""
    values = []
    for before, g in enumerate(grads):
        eta = lr / (1 + lambd * lr * before) ** alpha
        p = p - eta * (lambd * p + g + weight_decay * p)
        values.append(p)
    return values
