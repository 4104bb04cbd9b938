"""Training-mode forwards that never get a backward do not eat memory silently."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest

from minidl_core import BaseModule, PendingForwardWarning, Sequential

from .fakes import Duck, Scale, Square


class Residual(BaseModule):
    """A container that is no Sequential: y = x + f(x)."""

    def __init__(self, inner: BaseModule) -> None:
        self.inner = inner

    def forward(self, x: float) -> Any:
        return x + self._inside(x)

    def _inside(self, x: float) -> Any:
        return self.inner.forward(x)

    def backward(self, grad_output: float) -> Any:
        return grad_output + self.inner.backward(grad_output)


def warnings_of(module: Any, forwards: int) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(forwards):
            module.forward(0.5)
    return caught


@pytest.mark.parametrize(
    ("model", "path"),
    [
        pytest.param(Scale(2.0), "Scale(2)", id="leaf"),
        pytest.param(Sequential(Scale(2.0)), "Sequential[0] › Scale(2)", id="chain"),
        pytest.param(
            Sequential(Duck(1.0), Sequential(Duck(1.0), Sequential(Scale(2.0), Square()))),
            "Sequential[1] › Sequential[1] › Sequential[0] › Scale(2)",
            id="nested",
        ),
        pytest.param(
            Sequential(Residual(Sequential(Scale(2.0)))),
            "Sequential[0] › Residual[inner] › Sequential[0] › Scale(2)",
            id="container-of-a-stranger",
        ),
    ],
)
def test_the_user_is_told_once_at_their_line_by_the_path_of_the_layer(
    model: BaseModule, path: str
) -> None:
    (warning,) = warnings_of(model, 100)
    assert warning.category is PendingForwardWarning
    assert str(warning.message).startswith(f"{path}: 100 forwards in training mode")
    assert "max_pending above 100" in str(warning.message)
    lines, first = inspect.getsourcelines(warnings_of)
    assert warning.filename == __file__
    assert lines[warning.lineno - first].strip() == "module.forward(0.5)"


def test_no_warning_below_the_limit() -> None:
    assert warnings_of(Sequential(Scale(2.0), Square()), 99) == []


def test_each_warning_doubles_the_limit_of_the_whole_network() -> None:
    scale, square = Scale(2.0), Square()
    model = Sequential(scale, Sequential(square))
    assert len(warnings_of(model, 199)) == 1
    (second,) = warnings_of(model, 1)
    assert "200 forwards" in str(second.message)
    assert (scale.max_pending, square.max_pending) == (400, 400)


def test_a_forward_with_its_backward_does_not_count() -> None:
    model = Sequential(Scale(2.0))
    for _ in range(300):
        model.forward(0.5)
        model.backward(1.0)


def test_eval_lets_go_of_what_was_kept_and_keeps_nothing() -> None:
    model = Sequential(Scale(2.0), Square())
    for _ in range(5):
        assert warnings_of(model, 99) == []
        model.eval()
        assert warnings_of(model, 99) == []
        model.train()


def test_the_limit_can_be_set() -> None:
    layer = Scale(2.0)
    layer.max_pending = 3
    (warning,) = warnings_of(layer, 5)
    assert "3 forwards" in str(warning.message)
    other = Scale(2.0)
    assert (layer.max_pending, other.max_pending) == (6, 100)
