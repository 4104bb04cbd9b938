"""What BaseOptimizer gives: each parameter once, checked, and gradients zeroed in place."""

from __future__ import annotations

from typing import Any

import pytest

from minidl_core import (
    ArgumentError,
    BaseOptimizer,
    MinidlError,
    Optimizer,
    Parameter,
    ParameterError,
    Sequential,
)

from .fakes import Descent, Number, Scale, Square, parameter


def test_keeps_each_parameter_once_in_the_order_given() -> None:
    first, second = parameter(1.0), parameter(2.0)
    optimizer = Descent([second, first, second, first])
    assert optimizer.params == [second, first]


def test_steps_a_shared_parameter_once() -> None:
    scale = Scale(1.0)
    optimizer = Descent([*scale.param(), *scale.param()], lr=0.5)
    scale.weight.grad.number = 1.0
    optimizer.step()
    assert scale.weight.value.number == 0.5


def test_zero_grad_is_in_place() -> None:
    scale = Scale(1.0)
    grad = scale.weight.grad
    grad.number = 3.0
    Descent(scale.param()).zero_grad()
    assert scale.weight.grad is grad
    assert grad.number == 0.0


def test_takes_pairs_and_any_iterable() -> None:
    value: Any = Number(1.0)
    grad: Any = Number(2.0)
    optimizer = Descent(iter([(value, grad)]), lr=0.5)
    optimizer.step()
    assert value.number == 0.0


def test_is_an_optimizer() -> None:
    assert isinstance(Descent([parameter(1.0)]), Optimizer)
    assert not isinstance(Scale(1.0), Optimizer)


def test_a_class_without_step_cannot_be_instantiated() -> None:
    with pytest.raises(TypeError, match=r"abstract.*load_state_dict.*state_dict.*step"):
        BaseOptimizer([parameter(1.0)])  # type: ignore[abstract]


shared: Any = Number(1.0)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        pytest.param([], ArgumentError, "at least one parameter to train, got none", id="none"),
        pytest.param(
            iter(()), ArgumentError, "at least one parameter to train, got none", id="used-up"
        ),
        pytest.param(Square().param(), ArgumentError, "got none", id="model-without-parameters"),
        pytest.param(Scale(1.0), ArgumentError, "got Scale; pass model.param()", id="module"),
        pytest.param(
            Sequential(Scale(1.0)),
            ArgumentError,
            "got Scale at position 0; pass model.param()",
            id="chain",
        ),
        pytest.param(dict(Scale(1.0).named_param()), ArgumentError, "got str", id="dict"),
        pytest.param([parameter(1.0), None], ArgumentError, "NoneType at position 1", id="None"),
        pytest.param(parameter(1.0), ArgumentError, "got Number at position 0", id="one-parameter"),
        pytest.param([(1.0, 2.0)], ParameterError, "got float", id="pair-of-numbers"),
        pytest.param(
            [Parameter(shared), Parameter(shared)],
            ParameterError,
            "parameter 1 shares its value with an earlier one but not its gradient",
            id="half-shared",
        ),
    ],
)
def test_refuses(params: Any, error: type[MinidlError], message: str) -> None:
    with pytest.raises(error) as caught:
        Descent(params)
    assert type(caught.value) is error
    assert message in str(caught.value)
    if error is ArgumentError:
        assert str(caught.value).startswith("Descent: expected ")


def test_an_error_inside_a_generator_of_parameters_is_not_hidden() -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        Descent(parameter(1.0 + one) for one in ["x"])  # type: ignore[operator]
