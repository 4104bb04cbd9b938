"""The line of each basic component, and the report's network as ``info()`` prints it."""

from __future__ import annotations

import pytest

from minidl_core import Sequential
from minidl_plugins_basic import Linear, MSELoss, ReLU, Sigmoid, Tanh


@pytest.mark.parametrize(
    ("module", "line"),
    [
        (Linear(2, 25), "Linear Layer, in: 2, out: 25, biases: True"),
        (ReLU(), "Rectified Linear Unit"),
        (Tanh(), "Hyperbolic Tangent"),
        (Sigmoid(), "Sigmoid"),
        (MSELoss(), "Mean Squared Error"),
    ],
    ids=repr,
)
def test_line(
    module: Linear | ReLU | Tanh | Sigmoid | MSELoss,
    line: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module.info()
    assert capsys.readouterr().out == f"{line}\n"


def test_tree_of_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    Sequential(
        Sequential(Linear(2, 25), ReLU(), Linear(25, 25, bias=False), ReLU()),
        Sequential(Linear(25, 25, bias=False), ReLU(), Linear(25, 2), ReLU()),
    ).info()
    assert (
        capsys.readouterr().out
        == """\
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
| | v
"""
    )
