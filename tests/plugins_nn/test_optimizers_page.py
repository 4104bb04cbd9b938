"""The page on optimizers: its programs run, and it names every component."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

PAGE = Path(__file__).parents[2].joinpath("docs", "optimizers.md").read_text(encoding="utf-8")


def test_programs_run_in_order():
    programs = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    space = {}
    for program in programs:
        exec(compile(program, "docs/optimizers.md", "exec"), space)
    assert len(programs) == 3
    assert space["step"].loss < 0.3
    assert space["prediction"].shape == (64, 1)


def test_every_registered_optimizer_and_schedule_is_named():
    entries = distribution("minidl-plugins-nn").entry_points
    for group in ("minidl.optimizers", "minidl.schedules"):
        for entry in entries.select(group=group):
            assert f"`{entry.name}`" in PAGE
