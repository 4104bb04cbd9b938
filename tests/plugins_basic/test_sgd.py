"""Stochastic gradient descent: its steps by hand, its state, and what it refuses.

Its agreement with torch's is in test_against_autograd.py.
"""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import pytest
import torch

from minidl_core import ArgumentError, MinidlError, Parameter, ShapeError
from minidl_plugins_basic import SGD


def parameters(*values: list[float]) -> list[Parameter]:
    return [Parameter(torch.tensor(value, dtype=torch.float64)) for value in values]


def steps(optimizer: SGD, count: int, seed: int = 0) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        for parameter in optimizer.params:
            shape = parameter.value.shape
            parameter.grad.copy_(torch.randn(shape, generator=generator, dtype=torch.float64))
        optimizer.step()


def values(optimizer: SGD) -> list[list[float]]:
    return [parameter.value.tolist() for parameter in optimizer.params]


def test_a_step_without_momentum() -> None:
    (parameter,) = parameters([1.0, 2.0])
    parameter.grad.copy_(torch.tensor([4.0, -8.0]))
    optimizer = SGD([parameter], lr=0.25)
    optimizer.step()
    assert parameter.value.tolist() == [0.0, 4.0]
    assert parameter.grad.tolist() == [4.0, -8.0]


def test_two_steps_with_momentum() -> None:
    (parameter,) = parameters([1.0])
    parameter.grad.fill_(2.0)
    optimizer = SGD([parameter], lr=0.5, momentum=0.5)
    optimizer.step()  # v = 2
    assert parameter.value.tolist() == [0.0]
    optimizer.step()  # v = 0.5 · 2 + 2 = 3
    assert parameter.value.tolist() == [-1.5]


def test_a_shared_parameter_is_stepped_once() -> None:
    (parameter,) = parameters([1.0])
    parameter.grad.fill_(2.0)
    SGD([parameter, parameter], lr=0.5, momentum=0.9).step()
    assert parameter.value.tolist() == [0.0]


def test_steps_and_zeroes_in_place() -> None:
    (parameter,) = parameters([1.0])
    value, grad = parameter
    optimizer = SGD([parameter], lr=0.5, momentum=0.9)
    grad.fill_(2.0)
    optimizer.step()
    optimizer.zero_grad()
    assert parameter.value is value
    assert parameter.grad is grad
    assert grad.tolist() == [0.0]


@pytest.mark.parametrize("momentum", [None, 0, 0.0])
def test_without_momentum_nothing_is_kept_for_it(momentum: float | None) -> None:
    optimizer = SGD(parameters([1.0]), lr=0.5, momentum=momentum)
    assert optimizer.velocity == []
    assert optimizer.state_dict() == {"lr": 0.5, "momentum": 0.0, "velocity": []}


def test_the_learning_rate_may_change_between_steps() -> None:
    (parameter,) = parameters([1.0])
    parameter.grad.fill_(2.0)
    optimizer = SGD([parameter], lr=0.5)
    optimizer.step()
    optimizer.lr = 0.25
    optimizer.step()
    assert parameter.value.tolist() == [-0.5]


@pytest.mark.parametrize("lr", [0, 0.0, 1, 1e-300])
def test_takes_any_learning_rate_from_zero(lr: float) -> None:
    assert SGD(parameters([1.0]), lr).lr == lr


# -- state -------------------------------------------------------------------------------------

momenta = pytest.mark.parametrize("momentum", [0.0, 0.9])


@momenta
def test_resumes_exactly_from_its_state(momentum: float) -> None:
    straight = SGD(parameters([1.0, 2.0], [3.0]), 0.1, momentum)
    steps(straight, 3)
    steps(straight, 3, seed=1)

    stopped = SGD(parameters([1.0, 2.0], [3.0]), 0.1, momentum)
    steps(stopped, 3)
    resumed = SGD(deepcopy(stopped.params), lr=7.0, momentum=0.3)
    resumed.load_state_dict(stopped.state_dict())
    steps(resumed, 3, seed=1)

    assert values(resumed) == values(straight)  # to the bit
    assert (resumed.lr, resumed.momentum) == (0.1, momentum)


def test_state_is_a_copy_that_later_steps_do_not_change() -> None:
    optimizer = SGD(parameters([1.0, 2.0]), 0.1, 0.9)
    steps(optimizer, 2)
    state = optimizer.state_dict()
    before = deepcopy(state)
    steps(optimizer, 2)
    assert state["velocity"][0].equal(before["velocity"][0])
    assert not optimizer.velocity[0].equal(before["velocity"][0])


def test_a_loaded_state_is_left_untouched_by_later_steps() -> None:
    optimizer = SGD(parameters([1.0, 2.0]), 0.1, 0.9)
    steps(optimizer, 2)
    state = optimizer.state_dict()
    before = deepcopy(state)
    optimizer.load_state_dict(state)
    steps(optimizer, 2)
    assert state["velocity"][0].equal(before["velocity"][0])


def test_state_survives_torch_save(tmp_path: Any) -> None:
    optimizer = SGD(parameters([1.0, 2.0]), 0.1, 0.9)
    steps(optimizer, 2)
    torch.save(optimizer.state_dict(), tmp_path / "state.pt")
    other = SGD(parameters([1.0, 2.0]), 7.0)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert other.velocity[0].equal(optimizer.velocity[0])
    assert (other.lr, other.momentum) == (0.1, 0.9)


def test_a_state_that_is_refused_changes_nothing() -> None:
    optimizer = SGD(parameters([1.0, 2.0]), 0.1, 0.9)
    steps(optimizer, 2)
    velocity = optimizer.velocity[0].clone()
    with pytest.raises(ShapeError):
        optimizer.load_state_dict({"lr": 5.0, "momentum": 0.1, "velocity": [torch.zeros(3)]})
    assert (optimizer.lr, optimizer.momentum) == (0.1, 0.9)
    assert optimizer.velocity[0].equal(velocity)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        pytest.param({}, ArgumentError, "without lr, momentum, velocity", id="empty"),
        pytest.param({"lr": 0.1, "momentum": 0.9}, ArgumentError, "without velocity", id="part"),
        pytest.param(
            {"lr": -1.0, "momentum": 0.9, "velocity": []}, ArgumentError, "lr must be", id="lr"
        ),
        pytest.param(
            {"lr": 0.1, "momentum": None, "velocity": []},
            ArgumentError,
            "momentum must be",
            id="momentum",
        ),
        pytest.param(
            {"lr": 0.1, "momentum": 0.9, "velocity": [torch.zeros(3)]},
            ShapeError,
            "expected velocities of the parameters' shapes [(2,)], got [(3,)]",
            id="shape",
        ),
        pytest.param(
            {"lr": 0.1, "momentum": 0.9, "velocity": []},
            ShapeError,
            "shapes [(2,)], got []",
            id="no-velocity",
        ),
        pytest.param(
            {"lr": 0.1, "momentum": 0.0, "velocity": [torch.zeros(2)]},
            ShapeError,
            "shapes [], got [(2,)]",
            id="velocity-without-momentum",
        ),
    ],
)
def test_refuses_a_state_of_another_kind(
    state: dict[str, Any], error: type[MinidlError], message: str
) -> None:
    with pytest.raises(error) as caught:
        SGD(parameters([1.0, 2.0]), 0.1, 0.9).load_state_dict(state)
    assert type(caught.value) is error
    assert str(caught.value).startswith("SGD: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["lr", "momentum"])
@pytest.mark.parametrize("number", [-0.1, math.nan, math.inf, -math.inf, "0.1", "", [], 1j])
def test_refuses_what_is_no_rate(name: str, number: Any) -> None:
    with pytest.raises(ArgumentError) as caught:
        SGD(parameters([1.0]), **{"lr": 0.1, name: number})
    assert str(caught.value) == (
        f"SGD: {name} must be a finite number of at least 0, got {number!r}"
    )


def test_a_learning_rate_is_needed() -> None:
    with pytest.raises(ArgumentError, match=r"^SGD: lr must be a finite number .* got None"):
        SGD(parameters([1.0]), None)  # type: ignore[arg-type]


def test_two_optimizers_over_one_parameter_both_reach_it() -> None:
    draws = [torch.randn(2, n, generator=torch.Generator().manual_seed(n)) for n in (2, 3, 4)]
    shared, *own = (Parameter(value, grad) for value, grad in draws)
    one, two = SGD([own[0], shared], 0.5), SGD([shared, own[1]], 0.25)
    expected = shared.value - 3 * 0.75 * shared.grad
    for _ in range(3):
        one.step()
        two.step()
    torch.testing.assert_close(shared.value, expected)


def test_numbers_set_later_are_checked_as_at_first() -> None:
    optimizer = SGD([Parameter(torch.ones(2))], 0.1)
    with pytest.raises(ArgumentError, match=r"^SGD: lr must be a finite number"):
        optimizer.lr = -1.0
    with pytest.raises(ArgumentError, match=r"^SGD: momentum must be a finite number"):
        optimizer.momentum = float("nan")
    assert (optimizer.lr, optimizer.momentum) == (0.1, 0.0)
