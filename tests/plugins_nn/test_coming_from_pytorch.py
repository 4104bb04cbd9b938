"""The page for users of PyTorch: its programs run, and the names in it are there."""

from __future__ import annotations

import re
from pathlib import Path

import torch

import minidl_core
import minidl_plugins_basic
import minidl_plugins_nn

from .test_torch_twins import TWINS
from .torch_cases import MODULES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "coming-from-pytorch.md").read_text(encoding="utf-8")


def test_programs_run_and_print_what_is_shown(capsys):
    space = {}
    programs = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for program in programs:
        with torch.enable_grad():
            exec(compile(program, "docs/coming-from-pytorch.md", "exec"), space)
    assert len(programs) == 2
    shown = re.findall(r"```\n([^`]+)```\n\nA module of your own", PAGE)
    assert capsys.readouterr().out == shown[0]
    assert space["step"].loss < 2
    assert isinstance(space["trained"], torch.nn.Sequential)


def test_the_counts_are_current():
    assert f"{len(TWINS)} of torch's {len(MODULES)}" in PAGE


def test_every_name_of_ours_exists():
    ours = set()
    for row in re.findall(r"^\| .* \| (.*) \|$", PAGE, re.MULTILINE):
        ours |= set(re.findall(r"`([A-Z]\w+)[`(]", row))
    assert len(ours) >= 5
    places = (minidl_core, minidl_plugins_basic, minidl_plugins_nn)
    distributed = {"DataParallel"}
    assert {name for name in ours if not any(hasattr(p, name) for p in places)} == distributed


def test_linked_pages_exist():
    for link in re.findall(r"\]\(([\w-]+\.md)\)", PAGE):
        assert (DOCS / link).is_file(), link
