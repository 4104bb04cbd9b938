"""Real data from one file: handwritten digits, and a table written out as CSV."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_digits_reach_97_percent_in_the_median_of_a_few_seeds(minidl, tmp_path):
    """``minidl run digits --seeds 30`` is the whole of it; docs/experiments.md has its figures."""
    pytest.importorskip("sklearn")
    done = minidl("run", "digits", "--seeds", "5", "--no-figures", "--output", "digits")
    assert done.status == 0, done.err
    summary = json.loads((tmp_path / "digits/seeds.json").read_text())
    assert summary["median"] <= 0.03
    assert len(summary["test_errors"]) == 5


def test_a_table_of_measurements_is_learned(minidl, tmp_path):
    datasets = pytest.importorskip("sklearn.datasets")
    table = datasets.load_breast_cancer()
    with (tmp_path / "breast_cancer.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*table.feature_names, "target"])
        for row, target in zip(table.data.tolist(), table.target, strict=True):
            writer.writerow([*row, table.target_names[target]])
    shutil.copy(EXAMPLES / "breast_cancer.toml", tmp_path)
    done = minidl("run", "breast_cancer.toml", "--output", "run")
    assert done.status == 0, done.err
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["data"]["features"] == 30
    assert result["data"]["notes"]["classes"] == ["benign", "malignant"]
    assert result["final"]["test_error"] <= 0.1
    assert result["restarts"]["by"] == "validation_loss"
    last = result["epochs"][-1]["validation_loss"]
    assert last[result["restarts"]["selected"]] == min(last)
    done = minidl("run", "breast_cancer.toml", "--seeds", "5", "--no-figures", "--output", "five")
    assert done.status == 0, done.err
    assert json.loads((tmp_path / "five/seeds.json").read_text())["median"] <= 0.04
