"""Stochastic gradient descent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError, BaseOptimizer, Example, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor

    from minidl_core import Parameter

__all__ = ["SGD"]


class SGD(BaseOptimizer):
    """p ← p − lr · v,  with  v ← momentum · v + g  (the convention of torch.optim.SGD).

    Here g is the gradient of p, and v, the velocity, starts at zero. Without momentum
    (0 or None) v is g itself, and nothing is kept or computed for it.

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0. It may be changed between steps: ``optimizer.lr = …``.
        momentum: how much of the velocity survives a step, at least 0; 0 or None for none.

    Raises:
        ArgumentError: no parameters; `lr` or `momentum` is negative or no finite number.

    Reference: I. Sutskever et al., On the importance of initialization and momentum in deep
    learning, ICML 2013, whose velocity has lr inside; torch's and ours has it outside.
    """

    traceable = True

    def __init__(
        self, params: Iterable[Parameter], lr: float, momentum: float | None = 0.0
    ) -> None:
        super().__init__(params)
        self.velocity: list[Tensor] = []
        self.lr = lr
        self.momentum = momentum

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr = _not_negative("lr", lr)

    @property
    def momentum(self) -> float:
        """How much of the velocity survives a step."""
        return self._momentum

    @momentum.setter
    def momentum(self, momentum: float | None) -> None:
        self._momentum = _not_negative("momentum", 0.0 if momentum is None else momentum)
        if self._momentum:
            self._create_velocity()

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example({"lr": 0.1}, reference="torch.optim.SGD"),
            Example({"lr": 0.05, "momentum": 0.9}, reference="torch.optim.SGD"),
            Example({"lr": 0.1, "momentum": None}, reference="torch.optim.SGD"),
        ]

    def step(self) -> None:
        if not self.velocity:
            for value, grad in self.params:
                value -= self._lr * grad
        else:
            for (value, grad), v in zip(self.params, self.velocity, strict=True):
                v *= self._momentum
                v += grad
                value -= self._lr * v

    def match_structure(self, optimizers: Sequence[SGD]) -> None:
        """Keep velocities if another of a stack's `optimizers` does; `stack` calls this."""
        if any(optimizer.velocity for optimizer in optimizers):
            self._create_velocity()

    def state_dict(self) -> dict[str, Any]:
        velocity = self.velocity if self._momentum else []
        return {
            "lr": self._lr,
            "momentum": self._momentum,
            "velocity": [v.clone() for v in velocity],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        missing = {"lr", "momentum", "velocity"} - state.keys()
        if missing:
            raise ArgumentError(
                f"expected the state that SGD.state_dict() gives, got one without "
                f"{', '.join(sorted(missing))}",
                where="SGD",
            )
        lr = _not_negative("lr", state["lr"])
        momentum = _not_negative("momentum", state["momentum"])
        velocity = state["velocity"]
        expected = [tuple(p.value.shape) for p in self.params if momentum]
        got = [tuple(v.shape) for v in velocity]
        if got != expected:
            raise ShapeError(
                f"expected velocities of the parameters' shapes {expected}, got {got}; "
                "the state belongs to another model",
                where="SGD",
            )
        self.lr, self.momentum = lr, momentum
        if not momentum:
            for v in self.velocity:
                v.zero_()
        for own, v in zip(self.velocity, velocity, strict=bool(momentum)):
            own.copy_(v)

    def _create_velocity(self) -> None:
        if not self.velocity:
            self.velocity = [p.value.new_zeros(p.value.shape) for p in self.params]


def _not_negative(name: str, number: float) -> float:
    if not isinstance(number, (int, float)) or not math.isfinite(number) or number < 0:
        raise ArgumentError(
            f"{name} must be a finite number of at least 0, got {number!r}", where="SGD"
        )
    return number
