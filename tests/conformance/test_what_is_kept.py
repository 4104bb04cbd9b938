"""A layer that keeps the wrong one of its input and its output is told so."""

from __future__ import annotations

import pytest

from minidl_core import BaseModule
from minidl_plugins_devkit import run_checks


class Elementwise(BaseModule):
    """f(x), with `slope` of whichever of input and output is kept."""

    kept = "input"

    def forward(self, x):
        y = self.function(x)
        self.push((x if self.kept == "input" else y, 1.0))
        return y

    def backward(self, grad_output):
        kept, _ = self.pop()
        return grad_output * self.slope(kept)


class Tanh(Elementwise):
    def function(self, x):
        return x.tanh()

    def slope(self, y):
        return 1 - y * y


class Sigmoid(Elementwise):
    def function(self, x):
        return x.sigmoid()

    def slope(self, y):
        return y * (1 - y)


class Softplus(Elementwise):
    kept = "output"

    def function(self, x):
        return x.exp().log1p()

    def slope(self, x):
        return x.sigmoid()


class Cube(Elementwise):
    """Wrong whatever it keeps."""

    def function(self, x):
        return x**3

    def slope(self, x):
        return x.cos()


INPUT = "it keeps its input where the formula needs its output"
OUTPUT = "it keeps its output where the formula needs its input"


@pytest.mark.parametrize(
    ("layer", "expected"),
    [(Tanh, INPUT), (Sigmoid, INPUT), (Softplus, OUTPUT), (Cube, "")],
)
def test_the_wrong_one_is_named(layer, expected):
    results = run_checks(layer, checks=["input_gradient"])
    failed = [result.message for result in results if result.status == "failed"]
    assert failed
    for message in failed:
        assert ("it keeps its" in message) == bool(expected)
        assert expected in message
