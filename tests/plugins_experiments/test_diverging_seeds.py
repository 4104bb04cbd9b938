"""A series goes on when a seed diverges, and says so."""

from __future__ import annotations

import json
import math
import statistics

import pytest

from minidl_core import NonFiniteError
from minidl_plugins_experiments.runs.seeds import distribution
from minidl_plugins_experiments.training.run import Run


@pytest.fixture
def seed_four_diverges(monkeypatch):
    trained = Run._train_epoch

    def train(self, epoch, progress):
        if self.experiment.seed == 4 and epoch == 2:
            raise NonFiniteError("the loss became NaN")
        trained(self, epoch, progress)

    monkeypatch.setattr(Run, "_train_epoch", train)


def test_a_seed_that_diverges_is_counted(minidl, write, tmp_path, seed_four_diverges):
    done = minidl("run", write(), "--seeds", "3", "--output", "many")
    assert done.status == 0, done.err
    assert "diverged: 1 of 3 seeds" in done.out
    assert "seed 4: test error diverged" in done.err
    summary = json.loads((tmp_path / "many/seeds.json").read_text())
    first, lost, last = summary["test_errors"]
    assert lost is None
    assert summary["median"] == max(first, last)
    assert (summary["worst"], summary["diverged"]) == (None, 1)
    compared = minidl("compare", "many", "--no-figure")
    assert compared.status == 0
    assert "failed" in compared.out


def test_a_resumed_series_leaves_a_diverged_seed(minidl, write, tmp_path, seed_four_diverges):
    assert minidl("run", write(), "--seeds", "3", "--no-figures", "--output", "many").status == 0
    whole = json.loads((tmp_path / "many/seeds.json").read_text())
    (tmp_path / "many/seeds.json").write_text(json.dumps({**whole, "status": "running"}))
    before = (tmp_path / "many/seed-4/result.json").read_bytes()
    assert minidl("run", "--resume", "many", "--no-figures").status == 0
    again = json.loads((tmp_path / "many/seeds.json").read_text())
    assert again["test_errors"] == whole["test_errors"]
    assert (tmp_path / "many/seed-4/result.json").read_bytes() == before


def of(error, status="finished"):
    return {
        "status": status,
        "final": {"test_error": error},
        "data": {"task": "regression"},
        "restarts": {"dead": [], "count": 1},
        "timing": {"training_seconds": 1.0},
    }


def test_errors_that_are_no_numbers_rank_last():
    summary = distribution([of(0.3), of(None), of(0.1), of(0.2)])
    assert summary["best"] == 0.1
    assert summary["median"] == statistics.median([0.1, 0.2, 0.3, math.inf])
    assert summary["worst"] is None
    assert distribution([of(None), of(None)])["median"] is None
