"""The mean over all elements, and the derivative of exactly that."""

from __future__ import annotations

import pytest
import torch

from minidl_plugins_basic import MSELoss


@pytest.mark.parametrize(
    ("prediction", "target", "value", "gradient"),
    [
        pytest.param([[3.0]], [[1.0]], 4.0, [[4.0]], id="one-element"),
        pytest.param(
            [[1.0, 2.0], [3.0, 4.0]],
            [[1.0, 0.0], [0.0, 0.0]],
            7.25,  # (0 + 4 + 9 + 16) / 4: over elements, not rows
            [[0.0, 1.0], [1.5, 2.0]],
            id="mean-over-elements",
        ),
        pytest.param([1.0, 3.0], [0.0, 0.0], 5.0, [1.0, 3.0], id="vector"),
        pytest.param(3.0, 1.0, 4.0, 4.0, id="number"),
        pytest.param(
            [[[1.0, 1.0]], [[2.0, 4.0]]],
            [[[0.0, 0.0]], [[0.0, 0.0]]],
            5.5,  # (1 + 1 + 4 + 16) / 4: no dimension is special
            [[[0.5, 0.5]], [[1.0, 2.0]]],
            id="sequences",
        ),
    ],
)
def test_value_and_gradient(
    prediction: object, target: object, value: object, gradient: object
) -> None:
    loss = MSELoss()
    got = loss.forward(torch.tensor(prediction), torch.tensor(target))
    assert got.equal(torch.tensor(value))
    assert loss.backward().equal(torch.tensor(gradient))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_does_not_overflow_in_the_sum(dtype: torch.dtype) -> None:
    loss = MSELoss()
    prediction = torch.full((80_000, 1), 2.0, dtype=dtype)
    prediction[0] = 300  # its square, 90,000, is above the largest float16
    value = loss.forward(prediction, torch.zeros_like(prediction))
    assert value.dtype == dtype
    assert value.item() == pytest.approx(4 + 90_000 / 80_000, rel=0.01)
    assert loss.backward().isfinite().all()


def test_pairs_may_wait_and_come_back_latest_first() -> None:
    loss, target = MSELoss(), torch.zeros(1, 1)
    loss.forward(torch.tensor([[1.0]]), target)
    loss.forward(torch.tensor([[5.0]]), target)
    assert (loss.backward().item(), loss.backward().item()) == (10.0, 2.0)


def test_changes_neither_prediction_nor_target() -> None:
    loss = MSELoss()
    prediction, target = torch.ones(2, 3), torch.full((2, 3), 3.0)
    loss.forward(prediction, target)
    loss.backward()
    assert prediction.equal(torch.ones(2, 3))
    assert target.equal(torch.full((2, 3), 3.0))


def test_presents_itself() -> None:
    assert MSELoss().describe() == "Mean Squared Error"
    assert repr(MSELoss()) == "MSELoss"
    assert MSELoss().param() == []
