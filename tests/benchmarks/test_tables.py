"""Measurements become tables, figures, and a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from benchmarks import page
from benchmarks.__main__ import SECTIONS
from benchmarks.memory_worker import peak
from benchmarks.rounds import Measured
from benchmarks.scaling import CURVES, Point, save
from benchmarks.summary import Spread, digits
from benchmarks.tables import cell, ratios, side_by_side

if TYPE_CHECKING:
    from pathlib import Path


def test_the_spread_is_median_and_quartiles() -> None:
    assert Spread.of([5, 1, 2, 4, 3]) == Spread(2, 3, 4)
    assert Spread.of([7]) == Spread(7, 7, 7)
    assert Spread.of([1.0, 2.0, 3.0]).show() == "2.00 (1.50–2.50)"


@pytest.mark.parametrize(
    ("number", "shown"), [(0.1234, "0.12"), (1.5, "1.50"), (12.34, "12.3"), (1234.5, "1234")]
)
def test_numbers_have_about_three_digits(number: float, shown: str) -> None:
    assert digits(number) == shown


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([2.0, 30.0], [1.0, 10.0]).median == 2.5


def test_peers_stand_beside_minidl() -> None:
    ours = Measured("minidl", [1e-6, 1e-6])
    table = side_by_side({"batch 50": [ours, Measured("torch", [5e-6, 5e-6])]})
    assert table.splitlines() == [
        "|  | batch 50 |",
        "| --- | ---: |",
        "| minidl | **1.00 µs** |",
        "| PyTorch eager | 5.00 µs, 5.00 (5.00–5.00) |",
    ]


def test_a_missing_peer_says_why() -> None:
    missing = Measured("jax", missing="not installed")
    assert cell(missing, Measured("minidl", [1.0])) == "not installed"


def test_the_page_is_filled_between_markers() -> None:
    text = "a\n<!-- begin step -->\nold\n<!-- end step -->\nb"
    new = "a\n<!-- begin step -->\nnew \\1\n<!-- end step -->\nb"
    assert page.fill(text, "step", "new \\1") == new
    assert page.fill(new, "step", "old") == text


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="found it 0 times"):
        page.fill("a", "step", "new")


def test_the_page_has_a_place_for_every_section(tmp_path: Path) -> None:
    parts = dict.fromkeys([*SECTIONS, "machine"], "filled")
    path = page.write(tmp_path, parts)
    assert path.read_text(encoding="utf-8").count("\nfilled\n") == len(parts)


def test_scaling_is_drawn_and_its_slower_sizes_are_marked(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    spread = Spread(1e-4, 2e-4, 3e-4)
    found = [
        Point(size, spread, spread, Spread(ratio, ratio, ratio))
        for size, ratio in ((8, 0.5), (64, 1.04), (512, 1.2))
    ]
    save({name: {1: found} for name in CURVES}, tmp_path)
    data = json.loads((tmp_path / "scaling.json").read_text(encoding="utf-8"))
    assert [point["slower"] for point in data["width"]["threads"]["1"]] == [False, False, True]
    for name in CURVES:
        assert 0 < (tmp_path / f"scaling_{name}.png").stat().st_size < 100_000


def test_the_peak_of_memory_is_that_of_what_is_alive_at_once() -> None:
    def event(when: float, change: int, device: int = 0) -> dict[str, object]:
        return {"name": "[memory]", "ts": when, "args": {"Bytes": change, "Device Type": device}}

    events = [event(3, -4), event(1, 4), event(2, 6), event(4, 3), event(2.5, 99, device=1)]
    assert peak([*events, {"name": "aten::mm", "ts": 1}]) == 10
