"""The disk experiment learns, repeats, and chooses among its restarts by the training set only."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from minidl_core import ArgumentError, NonFiniteError
from minidl_plugins_basic import MSELoss, unstack

BAD, GOOD = float("nan"), 0.5


@pytest.fixture(scope="module")
def one(disk):
    return disk.run(seed=3, restarts=1)


@pytest.fixture(scope="module")
def many(disk):
    """Seed 0, whose first restart dies."""
    return disk.run(seed=0, restarts=8)


def parameters(result):
    return [value for value, _ in result.model.param()]


# -- what comes out --------------------------------------------------------------------------------


def test_the_network_is_the_reports(one):
    assert one.model.describe().splitlines() == [
        "|x Sequential:",
        "| | Sequential:",
        "| | | Linear Layer, in: 2, out: 25, biases: True",
        "| | | Rectified Linear Unit",
        "| | | Linear Layer, in: 25, out: 25, biases: False",
        "| | | Rectified Linear Unit",
        "| | v",
        "| | Sequential:",
        "| | | Linear Layer, in: 25, out: 25, biases: False",
        "| | | Rectified Linear Unit",
        "| | | Linear Layer, in: 25, out: 2, biases: True",
        "| | | Rectified Linear Unit",
        "| | v",
        "| | v",
    ]


def test_one_start_learns_the_disk(one):
    assert one.train_errors[-1] < 0.03
    assert one.test_errors[-1] < 0.04
    assert one.seconds > 0
    assert one.dead == 0


def test_there_is_an_error_for_each_epoch(one):
    assert len(one.train_errors) == len(one.test_errors) == 50
    assert all(0 <= error <= 1 for error in one.train_errors + one.test_errors)


def test_many_starts_escape_the_bad_luck_of_one(disk, many):
    alone = disk.run(seed=0, epochs=50)
    assert alone.dead == 1
    assert alone.test_errors[-1] > 0.4
    assert many.train_errors[-1] < 0.02
    assert many.test_errors[-1] < 0.04


def test_the_model_that_is_kept_has_the_errors_that_are_reported(disk, one, many):
    for result in (one, many):
        assert not result.model.training
        for points, reported in (
            (result.data.train, result.train_errors),
            (result.data.test, result.test_errors),
        ):
            loss, error = disk.evaluate(result.model, MSELoss(), points)
            assert loss.shape == error.shape == (1,)
            assert error.item() == pytest.approx(reported[-1], abs=2e-3)


def test_evaluation_keeps_nothing_for_a_backward(disk, one):
    loss = MSELoss()
    for _ in range(200):  # a warning, which is an error here, tells of forwards that pile up
        disk.evaluate(one.model, loss, one.data.test)
    assert not loss.training


# -- the same seed, the same bits ------------------------------------------------------------------


@pytest.mark.parametrize("restarts", [1, 3])
def test_the_same_seed_gives_the_same_bits(disk, restarts):
    first, again = (disk.run(seed=4, restarts=restarts, epochs=3) for _ in range(2))
    assert first.losses == again.losses
    assert first.test_errors == again.test_errors
    assert all(map(torch.equal, parameters(first), parameters(again)))


def test_another_seed_gives_another_run(disk):
    first, other = (disk.run(seed=seed, epochs=1) for seed in (4, 5))
    assert first.losses != other.losses


def test_the_names_of_the_first_weights_differ_by_a_factor(disk):
    weights = [
        disk.network(torch.Generator().manual_seed(1), init).param()[0].value for init in disk.INITS
    ]
    torch.testing.assert_close(weights[1], weights[0] * 2**0.5)


# -- many restarts at once -------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 3])
def test_training_a_stack_equals_training_each_alone(disk, count):
    points = disk.disk_data(torch.Generator().manual_seed(2)).train
    points = disk.Points(points.x.double(), points.y.double())

    def networks():
        generator = torch.Generator().manual_seed(7)
        models = [disk.network(generator) for _ in range(count)]
        for model in models:
            for parameter in model.param():
                parameter.value, parameter.grad = parameter.value.double(), parameter.grad.double()
        return models

    def trained(models):
        model, optimizer = disk.together(models)
        generator = torch.Generator().manual_seed(9)
        for _ in disk.fit(model, optimizer, MSELoss(), points, 3, generator):
            pass
        return unstack(model) if len(models) > 1 else [model]

    alone = [trained([model])[0] for model in networks()]
    together = trained(networks())
    for one, other in zip(alone, together, strict=True):
        for (value, _), (expected, _) in zip(other.param(), one.param(), strict=True):
            torch.testing.assert_close(value, expected, rtol=1e-9, atol=1e-9)


def test_the_first_of_many_starts_is_the_one_that_would_be_alone(disk):
    alone, many = (disk.run(seed=1, restarts=restarts, epochs=1) for restarts in (1, 4))
    assert many.losses[0] == pytest.approx(alone.losses[0], rel=1e-3)


def test_the_lowest_training_loss_is_kept(disk, many):
    loss, _ = disk.evaluate(many.model, MSELoss(), many.data.train)
    assert many.kept == min(range(8), key=many.losses.__getitem__)
    assert loss.item() == pytest.approx(min(many.losses), rel=1e-3)


def test_the_test_set_has_no_say(disk, many, monkeypatch):
    genuine = disk.disk_data

    def with_another_test_set(generator):
        data = genuine(generator)
        wrong = disk.Points(data.test.x, 1 - data.test.y)
        return dataclasses.replace(data, test=wrong)

    monkeypatch.setattr(disk, "disk_data", with_another_test_set)
    result = disk.run(seed=0, restarts=8)
    assert (result.kept, result.losses, result.dead) == (many.kept, many.losses, many.dead)
    assert result.test_errors[-1] == pytest.approx(1 - many.test_errors[-1])


@pytest.mark.parametrize(
    ("losses", "kept"),
    [
        ([0.3, 0.1, 0.2], 1),
        ([0.2, 0.1, 0.1], 1),
        ([BAD, GOOD, BAD], 1),
        ([float("-inf"), float("inf"), GOOD], 2),
        ([GOOD], 0),
    ],
    ids=["lowest", "first of equals", "not NaN", "not infinite", "only one"],
)
def test_best_start(disk, losses, kept):
    assert disk.best_start(torch.tensor(losses)) == kept


def test_no_start_to_keep_is_an_error(disk):
    with pytest.raises(NonFiniteError, match="at least one restart with a finite training loss"):
        disk.best_start(torch.tensor([BAD, BAD]))


def test_a_start_that_diverges_is_dead_and_never_kept(disk, monkeypatch):
    genuine, made = disk.network, []

    def network(*arguments):
        made.append(genuine(*arguments))
        if len(made) == 1:
            for value, _ in made[0].param():
                value *= 1e9
        return made[-1]

    monkeypatch.setattr(disk, "network", network)
    result = disk.run(seed=3, restarts=2, epochs=50)
    assert not math.isfinite(result.losses[0])
    assert result.kept == 1
    assert result.dead == 1
    assert result.train_errors[-1] < disk.DEAD_ABOVE


# -- the dead --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "loss", "dead"),
    [(0.5, 0.25, 1), (0.26, 0.2, 1), (0.25, 0.2, 0), (0.01, 0.01, 0), (0.01, BAD, 1)],
)
def test_a_start_is_dead_above_a_quarter_or_without_a_finite_loss(disk, error, loss, dead):
    assert disk.count_dead(torch.tensor([loss]), torch.tensor([error])) == dead


def test_the_dead_are_counted_among_many(disk, many):
    alive = [loss < 0.1 for loss in many.losses]  # that of a constant answer is at least 0.25
    assert not alive[0]
    assert many.dead == alive.count(False)


def test_a_network_without_any_output_is_dead(disk, monkeypatch):
    genuine = disk.network

    def network(*arguments):
        model = genuine(*arguments)
        for value, _ in model.param():
            value.copy_(-value.abs())
        return model

    monkeypatch.setattr(disk, "network", network)
    result = disk.run(seed=3, epochs=1)
    assert result.dead == 1
    assert result.train_errors == [0.5]


# -- bad arguments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed: expected a whole number of at least 0, got -1"),
        ({"restarts": 0}, "restarts: expected a whole number of at least 1, got 0"),
        ({"epochs": -5}, "epochs: expected a whole number of at least 1, got -5"),
        ({"epochs": 2.5}, "epochs: expected a whole number of at least 1, got 2.5"),
    ],
)
def test_an_argument_out_of_range_is_an_error(disk, arguments, message):
    with pytest.raises(ArgumentError) as error:
        disk.run(**arguments)
    assert str(error.value) == message
