"""Averages of the parameters over the steps, which often do better than the parameters."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from minidl_core import Example
from minidl_plugins_nn.half import wide
from minidl_plugins_nn.hyperparameters import Number
from minidl_plugins_nn.optimizers.averages import exchanged, update_average
from minidl_plugins_nn.optimizers.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from minidl_core import Optimizer, Parameter

__all__ = ["Averaged"]


class Averaged(Wrapper):
    """a ← δ a + (1 − δ) p after each step of the optimizer inside; the first a is p.

    Without δ, a is the mean of p over the steps: a ← a + (p − a) / n at the n-th. Training goes on
    with p; a takes its place within a ``with`` block::

        with optimizer.averaged():
            prediction = model.eval().forward(x)

    Buffers are not averaged: the running statistics of a batch norm belong to p.

    Args:
        params: what ``model.param()`` returns.
        optimizer: makes the optimizer inside: ``partial(AdamW, lr=1e-3)``.
        decay: δ, from 0 to 1; None for the mean.
        start: after how many steps averaging begins; a is p until then.

    Raises:
        ArgumentError: no parameters; a number out of its range.

    Reference: B. T. Polyak and A. B. Juditsky, Acceleration of stochastic approximation by
    averaging, 1992; P. Izmailov et al., Averaging weights leads to wider optima and better
    generalization, UAI 2018 (the mean).
    """

    traceable = True
    tensors = ("steps", "averages")
    conformance_exceptions: ClassVar = {
        "hyperparameters_matter": "its numbers act on the averages, which are not in the parameters"
    }

    decay = Number(least=0, most=1, optional=True)
    start = Number(least=0, whole=True)

    def __init__(
        self,
        params: Iterable[Parameter],
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        decay: float | None = 0.999,
        start: int = 0,
    ) -> None:
        super().__init__(params, optimizer)
        self.decay, self.start = decay, start
        self.steps = self.counter()
        self.averages = [wide(parameter.value).clone() for parameter in self.params]

    def step(self) -> None:
        self.optimizer.step()
        n = (self.steps.add_(1) - self.start).clamp(min=1)
        weight = 1 / n if self.decay is None else torch.where(n <= 1, n, 1 - self.decay)
        for p, a in zip(self.params, self.averages, strict=True):
            update_average(a, p.value, 1 - weight)

    def averaged(self) -> AbstractContextManager[None]:
        """Put the averages into the parameters within a ``with`` block."""
        return exchanged(self.params, self.averages)

    @classmethod
    def examples(cls) -> list[Example]:
        from minidl_plugins_nn.optimizers.sgd import SGD

        def make(params: Iterable[Parameter], lr: float, **arguments: Any) -> Averaged:
            return cls(params, partial(SGD, lr=lr), **arguments)

        numbers = {"lr": 0.05, "decay": 0.9, "start": 1}
        return [Example(numbers, make=make, reference=_sgd)]


def _sgd(p: float, grads: Sequence[float], lr: float, **_: float) -> list[float]:
    """Gradient descent for one number, which averaging does not change."""
    values = []
    for g in grads:
        p = p - lr * g
        values.append(p)
    return values
