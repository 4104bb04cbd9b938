"""A closed pipe, a full device and closed streams end a command quietly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ["--help", "--version", "list", "plugins", "list --json", "plugins --json"]
FULL = Path("/dev/full")


def run(command, redirection):
    script = f"{sys.executable} -m minidl_core {command} {redirection}"
    return subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=False, env=dict(os.environ)
    )


@pytest.mark.skipif(not FULL.exists(), reason="has no full device")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_device_is_one_sentence(command):
    done = run(command, f"> {FULL}")
    assert done.returncode == 1
    assert done.stderr == "minidl: the answer cannot be written: No space left on device\n"


@pytest.mark.skipif(not FULL.exists(), reason="has no full device")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_device_for_both_ends_quietly(command):
    assert run(command, f"> {FULL} 2>&1").returncode == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_pipe_is_silent(command):
    assert run(command, "| true").stderr == ""


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize("command", COMMANDS)
def test_closed_streams_are_no_error(command, redirection):
    done = run(command, redirection)
    assert (done.returncode, done.stderr) == (0, "")
