"""The page on layers on images: its programs run, and what it says of each layer is true."""

from __future__ import annotations

import re
from pathlib import Path

import torch

import minidl_plugins_nn

from .image_twins import LAYERS

PAGE = Path(__file__).parents[2].joinpath("docs", "images.md").read_text(encoding="utf-8")


def test_programs_run_in_order():
    space = {}
    programs = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for program in programs:
        exec(compile(program, "docs/images.md", "exec"), space)
    assert len(programs) == 2
    assert space["y"].shape == (4, 10)
    assert space["dx"].shape == (4, 1, 8, 8)
    assert len(space["parameters"]) == 2


def test_every_layer_named_is_there_and_in_torch():
    table = PAGE.partition("## What there is")[2].partition("## Conventions")[0]
    names = re.findall(r"`(\w+)`", table)
    assert sorted(names) == sorted(layer.__name__ for layer in LAYERS)
    for name in names:
        assert hasattr(minidl_plugins_nn, name)
        assert hasattr(torch.nn, name)


def test_what_is_left_out_is_not_there():
    for name in ("SyncBatchNorm", "CrossMapLRN2d"):
        assert name not in minidl_plugins_nn.__all__
