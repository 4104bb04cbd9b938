"""The page on sequences: its programs run, and it names the layers that are there."""

from __future__ import annotations

import re
from pathlib import Path

from .test_sequences_conform import COMPONENTS

PAGE = Path(__file__).parents[2].joinpath("docs", "sequences.md").read_text(encoding="utf-8")


def test_programs_run_in_order():
    space = {}
    programs = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for program in programs:
        exec(compile(program, "docs/sequences.md", "exec"), space)
    assert len(programs) == 3
    assert space["dh"].shape == (1, 4, 8)
    assert space["dx"].shape == (4, 6)
    assert space["weights"].shape == (4, 3, 5)
    assert space["dquery"].shape == (4, 3, 8)


def test_every_layer_is_named():
    table = PAGE.partition("## What there is")[2].partition("##")[0]
    names = set(re.findall(r"`([A-Z]\w+)`", table))
    assert names == {component.__name__ for component in COMPONENTS}
