"""A parameter is the pair (value, grad), refused unless both are what gradients need."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from minidl_core import MinidlError, Parameter, ParameterError, ShapeError

from .fakes import Number, parameter


def test_unpacks_to_value_and_grad() -> None:
    value: Any = Number(1.5)
    grad: Any = Number(0.25)
    got_value, got_grad = Parameter(value, grad)
    assert got_value is value
    assert got_grad is grad


def test_gradient_starts_at_zero_in_the_shape_of_the_value() -> None:
    value: Any = Number(1.5, shape=(2, 3))
    grad: Any = Parameter(value).grad
    assert (grad.number, grad.shape) == (0.0, (2, 3))


def test_repr_shows_the_shape() -> None:
    value: Any = Number(1.5, shape=(2, 3))
    assert repr(Parameter(value)) == "Parameter(2, 3)"


def test_questions_to_its_tensors_name_the_way() -> None:
    with pytest.raises(AttributeError, match=r"\.value\.numpy"):
        parameter(1.0).numpy()


def test_takes_no_other_attribute() -> None:
    with pytest.raises(AttributeError, match="data"):
        parameter(1.0).data = 3


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_a_copy_is_independent(copied: Any) -> None:
    original = parameter(1.5)
    twin = copied(original)
    twin.value.number = twin.grad.number = 7.0
    assert (original.value.number, original.grad.number) == (1.5, 0.0)
    assert (twin.value.number, twin.grad.number) == (7.0, 7.0)


@pytest.mark.parametrize(
    ("value", "grad", "error", "message"),
    [
        pytest.param(1.5, None, ParameterError, "must be a torch.Tensor, got float", id="number"),
        pytest.param([1.0], None, ParameterError, "value .* got list", id="list"),
        pytest.param(None, None, ParameterError, "value .* got NoneType", id="nothing"),
        pytest.param(Number(1), [1.0], ParameterError, "grad .* got list", id="grad-is-a-list"),
        pytest.param(
            Number(1, dtype="int"), None, ParameterError, "floating-point dtype, got int", id="int"
        ),
        pytest.param(
            Number(1, requires_grad=True), None, ParameterError, r"value .* graph", id="graph"
        ),
        pytest.param(
            Number(1),
            Number(0, requires_grad=True),
            ParameterError,
            "grad .* graph",
            id="grad-graph",
        ),
        pytest.param(
            Number(1, shape=(2,)),
            Number(0, shape=(3,)),
            ShapeError,
            r"shape \(2,\) .* got \(3,\)",
            id="shape",
        ),
        pytest.param(
            Number(1, device="here"),
            Number(0, device="there"),
            ParameterError,
            "float on here .* got float on there",
            id="device",
        ),
    ],
)
def test_refuses(value: Any, grad: Any, error: type[MinidlError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        Parameter(value, grad)
    assert type(caught.value) is error
