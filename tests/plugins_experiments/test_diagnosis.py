"""Ill runs are told of, in plain words; healthy ones are left alone."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import torch

from minidl_core import Sequential
from minidl_plugins_basic import Linear, ReLU, Sigmoid
from minidl_plugins_experiments.runs.diagnosis import warnings_of

from .training_curves import disk_network, train_disk

if TYPE_CHECKING:
    from collections.abc import Callable

Norms = dict[str, list[float | None]]


def result(norms: list[Norms], **changes: Any) -> dict[str, Any]:
    """A run of one restart with these gradient norms after each epoch, otherwise healthy."""
    records = [
        {"epoch": epoch, "train_loss": [0.1], "train_error": [0.1], "gradient_norms": each}
        for epoch, each in enumerate(norms, start=1)
    ]
    restarts = {"count": 1, "dead": [], "selected": 0, **changes}
    return {"epochs": records, "restarts": restarts}


def layers(first: float | None, last: float | None = 1.0) -> Norms:
    return {"0.weight": [first], "2.weight": [last], "2.bias": [last]}


# -- real runs -------------------------------------------------------------------------------------

SEEDS = 32


@pytest.fixture(scope="module")
def disk_runs() -> list[dict[str, Any]]:
    """The disk from 32 seeds, of 8 restarts each, with the report's network and a smaller one."""
    torch.set_grad_enabled(False)
    return [
        train_disk(
            seed,
            epochs=10,
            points=600,
            network=disk_network if seed % 2 else lambda g: disk_network(g, 12),
        )[0]
        for seed in range(SEEDS)
    ]


def alone(run: dict[str, Any], restart: int) -> dict[str, Any]:
    """One restart of `run` as a run of its own."""

    def pick(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: pick(each) for name, each in value.items()}
        return [value[restart]] if isinstance(value, list) else value

    dead = [0] if restart in run["restarts"]["dead"] else []
    return {
        "epochs": [pick(record) for record in run["epochs"]],
        "restarts": {"count": 1, "dead": dead, "selected": 0},
    }


def test_no_healthy_start_of_many_seeds_is_warned_of(disk_runs: list[dict[str, Any]]) -> None:
    healthy = [
        alone(run, restart)
        for run in disk_runs
        for restart in range(8)
        if restart not in run["restarts"]["dead"]
    ]
    assert len(healthy) > 4 * SEEDS
    assert [warning for run in healthy for warning in warnings_of(run)] == []


def test_every_dead_start_of_many_seeds_is_warned_of(disk_runs: list[dict[str, Any]]) -> None:
    dead = [alone(run, restart) for run in disk_runs for restart in run["restarts"]["dead"]]
    assert len(dead) > SEEDS / 2
    for run in dead:
        assert warnings_of(run)[0].startswith("this restart is dead: ")
        assert "restarts = 16" in warnings_of(run)[0]


def test_of_many_starts_the_dead_are_counted(disk_runs: list[dict[str, Any]]) -> None:
    for run in disk_runs:
        dead, selected = run["restarts"]["dead"], run["restarts"]["selected"]
        expected = []
        if dead:
            which = "restarts are dead: they" if len(dead) > 1 else "restarts is dead: it"
            words = f"restart {selected}, which was selected, did"
            expected = [f"{len(dead)} of 8 {which} learned nothing; {words}"]
        assert warnings_of(run) == expected


def test_a_layer_that_dies_in_training_is_named_with_all_that_it_starves() -> None:
    def dying(generator: torch.Generator) -> Sequential:
        """Rectifiers in the middle that are below zero everywhere."""
        model = disk_network(generator)
        model[0][2].weight.value.fill_(-1.0)
        return model

    run = train_disk(0, epochs=4, restarts=1, points=200, network=dying)[0]
    warnings = [warning for warning in warnings_of(run) if "zero gradient" in warning]
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "layers 0.0 (weight, bias) and 0.2 (weight) and 1.0 (weight) and 1.2 (weight) have had a "
        "zero gradient since epoch 1: "
    )


@pytest.mark.parametrize(
    ("activation", "vanishes"), [(Sigmoid, True), (ReLU, False)], ids=["sigmoid", "relu"]
)
def test_ten_sigmoids_vanish_and_ten_rectifiers_do_not(
    activation: Callable[[], Any], vanishes: bool
) -> None:
    def deep(generator: torch.Generator) -> Sequential:
        widths = [2, *[64] * 10, 2]
        parts = [
            part
            for fan_in, fan_out in pairwise(widths)
            for part in (Linear(fan_in, fan_out, generator=generator), activation())
        ]
        return Sequential(*parts[:-1])

    run = train_disk(1, epochs=4, restarts=1, points=200, network=deep)[0]
    found = [warning for warning in warnings_of(run) if "the gradient vanishes" in warning]
    assert bool(found) == vanishes
    if vanishes:
        assert "that of the first layer, 0, is " in found[0]
        assert "of the last, 20 (less than 0.001)" in found[0]


# -- the thresholds --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zeros", "since"), [([4, 5, 6], 4), ([2, 3, 4, 5, 6], 2), ([5, 6], None), ([1, 2, 3], None)]
)
def test_zero_in_the_last_three_epochs_is_dead(zeros: list[int], since: int | None) -> None:
    run = result([layers(0.0 if epoch in zeros else 0.5) for epoch in range(1, 7)])
    found = warnings_of(run)
    assert len(found) == (since is not None)
    if since:
        assert found[0].startswith(
            f"layer 0 (weight) has had a zero gradient since epoch {since}: its units are dead"
        )
        assert "learning rate" in found[0]


def test_in_a_short_run_every_epoch_has_to_be_zero() -> None:
    assert len(warnings_of(result([layers(0.0)]))) == 1
    assert warnings_of(result([layers(0.5), layers(0.0)])) == []


def test_nothing_left_to_learn_is_no_illness() -> None:
    run = result([layers(0.0, 0.0)] * 5)
    assert warnings_of(run)[0].startswith("every layer has had a zero gradient since epoch 1")
    run["epochs"][-1]["train_loss"] = [1e-13]
    assert warnings_of(run) == []


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (0.9e-3, "the gradient vanishes: that of the first layer, 0, is 0.0009 times"),
        (1.1e-3, None),
        (0.9e3, None),
        (1.1e3, "the gradient explodes: that of the first layer, 0, is 1e+03 times"),
    ],
)
def test_first_to_last_layer(ratio: float, said: str | None) -> None:
    found = warnings_of(result([{"0.weight": [ratio], "2.weight": [1.0]}] * 4))
    assert len(found) == (said is not None)
    if said:
        assert found[0].startswith(said)


def test_it_is_the_median_epoch_that_counts() -> None:
    ratios = [1e-5, 1e-5, 0.1, 0.1, 0.1]
    assert warnings_of(result([{"0.w": [r], "2.w": [1.0]} for r in ratios])) == []
    assert warnings_of(result([{"0.w": [r], "2.w": [1.0]} for r in [*ratios[:4], 1e-5]]))


@pytest.mark.parametrize(("growth", "warned"), [(900.0, False), (1100.0, True)])
def test_growth_over_the_epochs(growth: float, warned: bool) -> None:
    run = result([layers(1.0, 1.0), layers(growth, growth), layers(1.0, 1.0)])
    found = warnings_of(run)
    assert len(found) == warned
    if warned:
        assert found[0].startswith("the gradient explodes: by epoch 2 its norm grew to 1e+03 times")


def test_divergence() -> None:
    run = result([layers(1.0), layers(None, None)], selected=None, dead=[0])
    run["epochs"][-1]["train_loss"] = [None]
    assert [warning.partition(";")[0] for warning in warnings_of(run)] == [
        "the training diverged: the loss is no longer a finite number"
    ]
    run["epochs"][-1]["train_loss"] = [math.nan, 0.1, math.inf]
    run["epochs"][0]["train_loss"] = [0.1, 0.1, 0.1]
    run["restarts"] = {"count": 3, "dead": [0, 2], "selected": 1}
    assert [warning.partition(":")[0] for warning in warnings_of(run)] == [
        "2 of 3 restarts diverged"
    ]


def test_the_selected_start_may_be_dead_among_many() -> None:
    run = result([layers(1.0)] * 3)
    for record in run["epochs"]:
        record["train_loss"], record["train_error"] = [0.3, 0.2], [0.5, 0.5]
        record["gradient_norms"] = {"0.weight": [1.0, 1.0]}
    run["restarts"] = {"count": 2, "dead": [0, 1], "selected": 1}
    (warning,) = warnings_of(run)
    assert warning.startswith("2 of 2 restarts are dead, the selected one too; ")


@pytest.mark.parametrize(
    "run",
    [
        {},
        {"epochs": []},
        {"epochs": [{"epoch": 1, "train_loss": [0.1]}], "restarts": {"count": 1, "selected": 0}},
        result([{}] * 4),
    ],
)
def test_a_run_without_gradients_has_nothing_to_tell(run: dict[str, Any]) -> None:
    assert warnings_of(run) == []


def test_a_parameter_without_a_layer_has_its_own_name() -> None:
    found = warnings_of(result([{"0": [0.0], "1": [1.0]}] * 3))
    assert found[0].startswith("layer 0 has had a zero gradient since epoch 1")
