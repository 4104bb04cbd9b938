"""The page on activations and losses: its programs run, and it names every component."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

import torch

PAGE = Path(__file__).parents[2].joinpath("docs", "losses.md").read_text(encoding="utf-8")


def test_programs_run_in_order():
    space = {}
    for program in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(program, "docs/losses.md", "exec"), space)
    torch.testing.assert_close(space["dx"], torch.tensor([0.0, 1.0]).cos())
    assert space["gradient"].shape == (2, 5, 7)
    assert torch.equal(space["gradient"][0, 3:], torch.zeros(2, 7))


def test_every_activation_and_loss_is_named():
    for entry in distribution("minidl-plugins-nn").entry_points:
        if ".activations." in entry.value or ".losses." in entry.value:
            assert f"`{entry.name}`" in PAGE
