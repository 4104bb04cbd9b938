"""Stochastic gradient descent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import ArgumentError, BaseOptimizer, Example, ShapeError
from minidl_plugins_basic.flat_parameters import FlatParameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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

    def __init__(
        self, params: Iterable[Parameter], lr: float, momentum: float | None = 0.0
    ) -> None:
        super().__init__(params)
        self.lr = _not_negative("lr", lr)
        self.momentum = _not_negative("momentum", 0.0 if momentum is None else momentum)
        self.flat: FlatParameters = FlatParameters(self.params)
        self.velocity = self.flat.zeros() if self.momentum else []

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example({"lr": 0.1}, reference="torch.optim.SGD"),
            Example({"lr": 0.05, "momentum": 0.9}, reference="torch.optim.SGD"),
            Example({"lr": 0.1, "momentum": None}, reference="torch.optim.SGD"),
        ]

    def step(self) -> None:
        if not self.momentum:
            for p in self.flat.vectors():
                p.value.sub_(p.grad, alpha=self.lr)
        else:
            for p, v in zip(self.flat.vectors(), self.velocity, strict=True):
                torch.add(p.grad, v, alpha=self.momentum, out=v)
                p.value.sub_(v, alpha=self.lr)

    def state_dict(self) -> dict[str, Any]:
        velocity = self.flat.split(self.velocity) if self.momentum else []
        return {
            "lr": self.lr,
            "momentum": self.momentum,
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
        self.velocity = self.flat.zeros() if momentum else []
        for own, v in zip(
            self.flat.split(self.velocity) if momentum else [], velocity, strict=True
        ):
            own.copy_(v)


def _not_negative(name: str, number: float) -> float:
    if not isinstance(number, (int, float)) or not math.isfinite(number) or number < 0:
        raise ArgumentError(
            f"{name} must be a finite number of at least 0, got {number!r}", where="SGD"
        )
    return number
