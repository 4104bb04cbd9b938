"""The scripts ``tests/kill_and_resume*.py`` with few runs: SIGKILL, for real, in processes."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    return importlib.import_module


def test_killed_at_random_moments_it_ends_in_the_same_bits(script, capsys):
    assert script("kill_and_resume").main(["--runs", "3", "--kills", "1"]) == 0
    assert "3 of 3 runs end bit-identical" in capsys.readouterr().out


def test_killed_series_and_sweeps_end_in_the_same_bits(script, capsys):
    few = ["--series", "3", "--sweeps", "4", "--kills", "1"]
    assert script("kill_and_resume_many").main(few) == 0
    told = capsys.readouterr().out
    assert "3 of 3 series end bit-identical" in told
    assert "4 of 4 sweeps end bit-identical" in told
