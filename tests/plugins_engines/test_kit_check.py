"""The conformance kit holds a component to ``traceable = True``, if it says so."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from minidl_core import BaseModule, BaseOptimizer, Example
from minidl_plugins_basic import SGD, Linear, MSELoss
from minidl_plugins_devkit import CheckResult, run_checks

if TYPE_CHECKING:
    import torch

TABLE = {"factor": 2.0}


def results_of(component: Any) -> list[CheckResult]:
    return [each for each in run_checks(component) if each.check in ("replays", "replays_steps")]


class Doubles(BaseModule):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.push(None)
        return x * 2

    def backward(self, grad_output: torch.Tensor) -> torch.Tensor:
        self.pop()
        return grad_output * 2


class Counts(Doubles):
    """Counts its calls in Python, which a trace cannot do."""

    traceable = True
    calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return super().forward(x)


class ReadsATable(Doubles):
    """Reads a dict of its module, which anybody may change."""

    traceable = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.push(None)
        return x * TABLE["factor"]


class DecidesBySize(Doubles):
    """Computes with how many elements are positive."""

    traceable = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.push(None)
        return x * 2 + 0.0 * len(x[x > 0])


class Falls(BaseOptimizer):
    """A rate that falls with a counter in Python."""

    traceable = True

    def __init__(self, params: Any, lr: float = 0.1) -> None:
        super().__init__(params)
        self.lr, self.t = lr, 0

    def step(self) -> None:
        self.t += 1
        for value, grad in self.params:
            value -= self.lr / math.sqrt(self.t) * grad

    def state_dict(self) -> dict[str, Any]:
        return {"lr": self.lr, "t": self.t}

    def load_state_dict(self, state: Any) -> None:
        self.lr, self.t = state["lr"], state["t"]

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example({"lr": 0.1})]


@pytest.mark.parametrize("component", [Linear, MSELoss, SGD])
def test_what_can_be_traced_passes(component: Any) -> None:
    found = results_of(component)
    assert found
    assert {(each.status, each.message) for each in found} == {("passed", "")}


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (Counts, "the step changes calls"),
        (ReadsATable, "TABLE, a dict, which could change without being seen"),
        (DecidesBySize, "depends on the elements of a tensor"),
    ],
)
def test_a_module_that_cannot_be_traced_fails(component: Any, words: str) -> None:
    for each in results_of(component):
        assert each.status == "failed"
        assert "it declares traceable = True, and its step cannot be traced" in each.message
        assert words in each.message


def test_an_optimizer_that_cannot_be_traced_fails() -> None:
    (found,) = results_of(Falls)
    assert found.status == "failed"
    assert "the step changes t" in found.message


def test_what_declares_nothing_is_noted() -> None:
    for each in results_of(Doubles):
        assert each.status == "passed"
        assert "does not declare traceable" in each.message
