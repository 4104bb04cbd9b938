"""The hooks: found through the entry point, one line for each event, and silent when not asked."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from acme_nets import run_log
from minidl_core import registry


class Run:
    def __str__(self):
        return "Swish on the disk"


@pytest.fixture
def log(tmp_path, monkeypatch):
    file = tmp_path / "runs.jsonl"
    monkeypatch.setenv("ACME_RUN_LOG", str(file))
    return file


def told(hook, **arguments):
    """Call the hook as pluggy does; that ``minidl run`` calls it is its own test."""
    assert registry.hooks.problems == []
    assert registry.hooks.has_plugin("acme-nets/run_log")
    getattr(run_log, hook)(**arguments)


def lines(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_run_is_written_line_by_line(log):
    run = Run()
    told("minidl_run_started", run=run)
    told("minidl_epoch_ended", run=run, epoch=1, metrics={"loss": 0.25, "error": math.nan})
    assert len(lines(log)) == 2, "each line is there as soon as its event"
    told("minidl_run_finished", run=run, error=None)
    started, epoch, finished = lines(log)
    assert (started["event"], started["what"]) == ("started", "Swish on the disk")
    assert epoch == {
        "run": started["run"],
        "event": "epoch",
        "epoch": 1,
        "metrics": {"loss": 0.25, "error": "nan"},
    }
    assert finished == {"run": started["run"], "event": "finished", "error": None}


def test_runs_are_told_apart_and_an_error_is_named(log):
    first, second = Run(), Run()
    for run in (first, second):
        told("minidl_run_started", run=run)
    told("minidl_run_finished", run=second, error=ValueError("no data"))
    told("minidl_run_finished", run=first, error=None)
    a, b, end_of_b, end_of_a = lines(log)
    assert a["run"] == end_of_a["run"] != b["run"] == end_of_b["run"]
    assert end_of_b["error"] == "ValueError: no data"


def test_nothing_is_written_when_no_file_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("ACME_RUN_LOG", raising=False)
    monkeypatch.chdir(tmp_path)
    told("minidl_run_started", run=Run())
    assert list(tmp_path.iterdir()) == []


def test_loading_the_hooks_does_not_import_torch():
    program = (
        "import sys; from minidl_core import registry; registry.hooks; "
        "assert 'acme_nets.run_log' in sys.modules; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
