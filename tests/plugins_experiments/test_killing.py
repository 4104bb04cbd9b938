"""``tests/kill_and_resume.py`` with few runs: SIGKILL, for real, in a process of its own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "kill_and_resume.py"


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("kill_and_resume", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["kill_and_resume"] = module
    spec.loader.exec_module(module)
    return module


def test_killed_at_random_moments_it_ends_in_the_same_bits(script, capsys):
    assert script.main(["--runs", "3", "--kills", "1"]) == 0
    assert "3 of 3 runs end bit-identical" in capsys.readouterr().out
