"""The tree that ``info()`` prints and ``describe()`` returns, in the report's exact form."""

from __future__ import annotations

from typing import Any

import pytest

from minidl_core import BaseModule, Sequential

from .fakes import Duck, Scale, Square


class Line(BaseModule):
    """A layer that is only its line in the tree."""

    def __init__(self, line: str) -> None:
        self.line = line

    def forward(self, x: float) -> float:
        return x

    def backward(self, grad_output: float) -> float:
        return grad_output

    def summary(self) -> str:
        return self.line


class Residual(BaseModule):
    """A container that is no Sequential: y = x + f(x)."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def forward(self, x: float) -> Any:
        return x + self.inner.forward(x)

    def backward(self, grad_output: float) -> Any:
        return grad_output + self.inner.backward(grad_output)


class TalkativeDuck(Duck):
    def describe(self) -> str:
        return "a duck that says so"


def linear(n_in: int, n_out: int, biases: bool) -> Line:
    return Line(f"Linear Layer, in: {n_in}, out: {n_out}, biases: {biases}")


relu = Line("Rectified Linear Unit")

REPORT = (
    Sequential(
        Sequential(linear(2, 25, True), relu, linear(25, 25, False), relu),
        Sequential(linear(25, 25, False), relu, linear(25, 2, True), relu),
    ),
    """\
|x Sequential:
| | Sequential:
| | | Linear Layer, in: 2, out: 25, biases: True
| | | Rectified Linear Unit
| | | Linear Layer, in: 25, out: 25, biases: False
| | | Rectified Linear Unit
| | v
| | Sequential:
| | | Linear Layer, in: 25, out: 25, biases: False
| | | Rectified Linear Unit
| | | Linear Layer, in: 25, out: 2, biases: True
| | | Rectified Linear Unit
| | v
| | v""",
)

CASES = [
    pytest.param(*REPORT, id="report"),
    pytest.param(
        Sequential(Sequential(Sequential(Square()), Scale(2.0))),
        """\
|x Sequential:
| | Sequential:
| | | Sequential:
| | | | The square of each number
| | | v
| | | Scale
| | v
| | v""",
        id="three-levels",
    ),
    pytest.param(Sequential(), "|x Sequential:\n| | v", id="empty"),
    pytest.param(
        Sequential(Sequential(), Duck(1.0)),
        "|x Sequential:\n| | Sequential:\n| | v\n| | Duck\n| | v",
        id="duck-is-its-class-name",
    ),
    pytest.param(
        Sequential(TalkativeDuck(1.0)),
        "|x Sequential:\n| | a duck that says so\n| | v",
        id="duck-with-a-description",
    ),
    pytest.param(
        Sequential(Residual(Sequential(Square()))),
        """\
|x Sequential:
| | Residual:
| | | Sequential:
| | | | The square of each number
| | | v
| | v
| | v""",
        id="container-of-a-stranger",
    ),
    pytest.param(Square(), "The square of each number", id="leaf"),
    pytest.param(Scale(2.0), "Scale", id="leaf-without-summary"),
]


@pytest.mark.parametrize(("module", "tree"), CASES)
def test_tree(module: Any, tree: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert module.describe() == tree
    module.info()
    assert capsys.readouterr().out == f"{tree}\n"
