"""The catalogue of usual causes names the mistake that was made, and none where it cannot tell."""

from __future__ import annotations

import pytest
import torch

from minidl_plugins_devkit.diagnosis.causes import likely_cause

RIGHT = torch.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0], [2.0, 7.0, 5.0]], dtype=torch.float64)
HALF_ZERO = RIGHT * torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64)
UNRELATED = torch.tensor([[5.0, 1, 1], [-1, 9, 2], [3, -3, 1]], dtype=torch.float64)
COUNTS = {"batch size": 3, "number of elements": 9}


@pytest.mark.parametrize(
    ("mine", "expected"),
    [
        pytest.param(-RIGHT, "the sign is wrong", id="sign"),
        pytest.param(RIGHT.mT, "it is transposed", id="transposed"),
        pytest.param(3 * RIGHT, "3 times too large, the batch size: a missing mean", id="no mean"),
        pytest.param(RIGHT / 9, "9 times too small, the number of elements", id="mean of a sum"),
        pytest.param(2 * RIGHT, "2 times the right one: a forgotten or doubled", id="doubled"),
        pytest.param(RIGHT / 2, "0.5 times the right one: a forgotten", id="halved"),
        pytest.param(1.7 * RIGHT, "1.7 times the right one", id="constant factor"),
        pytest.param(0 * RIGHT, "it is zero", id="zero"),
        pytest.param(RIGHT / 0, "a division by zero", id="infinite"),
        pytest.param(HALF_ZERO, "3 of 9 elements are zero", id="left out"),
        pytest.param(RIGHT + 1e-5, "right to some digits", id="small term"),
        pytest.param(RIGHT * RIGHT.abs(), "every sign is right", id="chain rule"),
        pytest.param(UNRELATED, "", id="cannot tell"),
    ],
)
def test_cause(mine, expected):
    cause = likely_cause(mine, RIGHT, counts=COUNTS)
    assert expected in cause
    assert bool(cause) == bool(expected)


def test_what_it_was_taken_for():
    alike = [("another", RIGHT + 1), ("this one", UNRELATED)]
    assert likely_cause(UNRELATED, RIGHT, alike=alike) == "this one"


def test_gradient_where_there_should_be_none():
    assert "should be zero" in likely_cause(RIGHT, 0 * RIGHT)
