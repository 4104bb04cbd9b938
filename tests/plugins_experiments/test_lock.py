"""One process at a time writes into a run folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from minidl_core import MinidlError, registry
from minidl_plugins_experiments.runs.lock import LOCK, locked
from minidl_plugins_experiments.session import Session

HOLDER = """
import sys, time
from pathlib import Path
from minidl_core import registry
from minidl_plugins_experiments.runs.lock import locked
from minidl_plugins_experiments.session import Session
with locked(Session(registry), Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process, which holds the lock of ``tmp_path / "run"``."""
    (tmp_path / "run").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_folder_in_use_names_its_process(holder, tmp_path):
    with (
        pytest.raises(MinidlError, match=f"run is in use by process {holder.pid} on "),
        locked(Session(registry), tmp_path / "run"),
    ):
        pass


def test_the_lock_of_a_killed_process_is_free(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "run" / LOCK).exists()
    with locked(Session(registry), tmp_path / "run"):
        assert json.loads((tmp_path / "run" / LOCK).read_text())["pid"] == os.getpid()
    assert not (tmp_path / "run" / LOCK).exists()


def test_resuming_a_run_under_way_is_refused(minidl, write, tmp_path):
    path = write(epochs="1000000")
    command = [sys.executable, "-m", "minidl_core", "run", str(path), "--no-figures", "--quiet"]
    process = subprocess.Popen([*command, "--output", "run"], cwd=tmp_path)
    try:
        for _ in range(600):
            if (tmp_path / "run" / LOCK).exists():
                break
            time.sleep(0.05)
        done = minidl("run", "--resume", "run")
    finally:
        process.kill()
        process.wait()
    assert done.status == 1
    assert f"run is in use by process {process.pid} on " in done.err


def test_a_series_is_locked_as_a_whole(minidl, write, tmp_path):
    assert minidl("run", write(), "--seeds", "2", "--no-figures", "--output", "run").status == 0
    summary = json.loads((tmp_path / "run/seeds.json").read_text())
    (tmp_path / "run/seeds.json").write_text(json.dumps({**summary, "status": "running"}))
    with locked(Session(registry), tmp_path / "run"):
        done = minidl("run", "--resume", "run")
    assert done.status == 1
    assert "is in use by process" in done.err
