"""``minidl compare --groups``: spreads and paired differences, in the forms that papers need."""

from __future__ import annotations

import csv
import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from minidl_plugins_experiments.runs.groups import Group, difference, quartiles

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Minidl, Write


def group(errors: dict[int, float], name: str = "a", unit: str = "seed") -> Group:
    return Group(name, {}, "classification", unit, errors, [[error] for error in errors.values()])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 30])
def test_quartiles_are_those_of_numpy(count: int) -> None:
    errors = np.random.default_rng(count).random(count)
    found = quartiles(group(dict(enumerate(errors.tolist()))))
    assert found == pytest.approx(np.quantile(errors, [0.25, 0.5, 0.75]))


def test_what_diverged_is_worse_than_everything() -> None:
    low, median, high = quartiles(group({0: 0.1, 1: math.inf, 2: 0.2, 3: 0.3, 4: 0.4}))
    assert (low, median, high) == (0.2, 0.3, 0.4)
    assert quartiles(group({0: 0.1, 1: math.inf, 2: math.inf}))[1] == math.inf


def test_the_difference_is_over_common_seeds() -> None:
    base = group({0: 0.5, 1: 0.4, 2: math.inf, 3: 0.3, 9: 0.0})
    other = group({0: 0.4, 1: 0.35, 2: 0.1, 3: 0.35, 7: 1.0})
    found = difference(other, base)
    assert found is not None
    assert found.pairs == 3
    assert found.mean == pytest.approx(np.mean([-0.1, -0.05, 0.05]))


def test_the_interval_is_that_of_a_bootstrap() -> None:
    draw = np.random.default_rng(3)
    apart = draw.normal(0.02, 0.05, 25)
    base = dict.fromkeys(range(25), 0.5)
    other = {seed: 0.5 + float(d) for seed, d in enumerate(apart)}
    found = difference(group(other), group(base))
    assert found is not None
    means = [draw.choice(apart, 25).mean() for _ in range(20_000)]  # drawn a second time
    low, high = np.quantile(means, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.003)
    assert found.high == pytest.approx(high, abs=0.003)


def test_one_pair_has_no_interval() -> None:
    found = difference(group({1: 0.2}), group({1: 0.3}))
    assert found is not None
    assert found.mean == pytest.approx(-0.1)
    assert math.isnan(found.low)
    assert difference(group({1: 0.2}), group({2: 0.3})) is None
    assert difference(group({1: 0.2}, unit="restart"), group({1: 0.3})) is None


@pytest.fixture
def series(minidl: Minidl, write: Write) -> list[str]:
    for name, rate in (("slow", "0.01"), ("fast", "0.2")):
        settings = ("--set", f"optimizer.lr={rate}", "--seeds", 3, "--output", name)
        assert minidl("run", write(), "--no-figures", "--quiet", *settings).status == 0
    return ["slow", "fast"]


def test_series_are_rows_with_their_spread(
    series: list[str], minidl: Minidl, tmp_path: Path
) -> None:
    done = minidl("compare", "--groups", *series, "--format", "csv", "--figure", "groups.svg")
    assert done.status == 0, done.err
    slow, fast = csv.DictReader(done.out.splitlines())
    assert list(slow) == [
        *("group", "optimizer.lr", "n", "median test error", "quartiles"),
        "difference to the first",
    ]
    assert (slow["n"], fast["n"], slow["optimizer.lr"]) == ("3", "3", "0.01")
    summary = json.loads((tmp_path / "fast" / "seeds.json").read_text())
    assert fast["median test error"] == f"{summary['median']:.2%}"
    assert slow["difference to the first"] == "-"
    assert "(3 pairs)" in fast["difference to the first"]
    assert (tmp_path / "groups.svg").read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("form", "first", "inside"),
    [
        ("markdown", "| group |", "|---|---:|"),
        ("latex", r"\begin{tabular}{lr", r"\%"),
        ("table", "group", "slow"),
    ],
)
def test_a_table_in_other_forms(
    series: list[str], minidl: Minidl, form: str, first: str, inside: str
) -> None:
    done = minidl("compare", "--groups", *series, "--format", form, "--no-figure")
    assert done.status == 0
    assert done.out.startswith(first)
    assert inside in done.out


def test_each_setting_of_a_sweep_is_a_group(minidl: Minidl, write: Write, tmp_path: Path) -> None:
    grid = ("--sweep", "optimizer.lr=0.05,0.2", "--set", "restarts=3", "--no-figures")
    assert minidl("run", write(), "--quiet", "--output", "swept", *grid).status == 0
    done = minidl("compare", "--groups", "swept", "--format", "csv", "--figure", "swept.pdf")
    assert done.status == 0, done.err
    rows = list(csv.DictReader(done.out.splitlines()))
    assert {row["optimizer.lr"] for row in rows} == {"0.05", "0.2"}
    assert {row["n"] for row in rows} == {"3"}
    assert (tmp_path / "swept.pdf").read_bytes()[:4] == b"%PDF"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none"], "there is no such folder"),
        (["slow", "--figure", "a.bmp"], "is written as .png, .svg, .pdf"),
    ],
)
@pytest.mark.usefixtures("series")
def test_what_cannot_be_compared_is_said(minidl: Minidl, arguments: list[str], words: str) -> None:
    done = minidl("compare", "--groups", *arguments)
    assert done.status == 1
    assert words in done.err
    assert "Traceback" not in done.err


def test_an_unfinished_sweep_is_said(minidl: Minidl, write: Write, tmp_path: Path) -> None:
    grid = ("--sweep", "optimizer.lr=0.05,0.2", "--no-figures")
    assert minidl("run", write(), "--quiet", "--output", "swept", *grid).status == 0
    file = tmp_path / "swept" / "sweep.json"
    summary = json.loads(file.read_text())
    file.write_text(json.dumps({**summary, "status": "running"}))
    done = minidl("compare", "--groups", "swept")
    assert "resume it: minidl run --resume swept" in done.err
