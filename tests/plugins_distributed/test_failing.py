"""A rank that dies, hangs or diverges ends the run everywhere, and the last checkpoint resumes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from safetensors.torch import load_file

from .processes import MINIDL, PARALLEL, PATIENCE, environment, torchrun

OPTIONS = ("--no-figures", "--quiet", "--checkpoint-every", "0")


def children(pid):
    """The processes that `pid` started, in their order."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sorted(map(int, found))


def is_alive(pid):
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def wait_for(what, condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
        time.sleep(0.01)


@pytest.fixture
def begun(write, tmp_path):
    """Start the experiment in some processes, and go on once it has a checkpoint."""
    started = []

    def begin(count, optimizer=PARALLEL, epochs="400"):
        parallel, alone = write(epochs=epochs, optimizer=optimizer)
        errors = (tmp_path / "errors").open("w+")
        process = subprocess.Popen(
            torchrun(count, *MINIDL, parallel, "--output", "out", *OPTIONS),
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=errors,
            text=True,
        )
        started.append((process, errors))
        wait_for("a checkpoint", (tmp_path / "out" / "checkpoint.safetensors").exists)
        return process, children(process.pid), alone

    yield begin
    for process, errors in started:
        errors.close()
        process.kill()
        process.wait()


def said(tmp_path):
    lines = (tmp_path / "errors").read_text().splitlines()
    return [line for line in lines if line.startswith("Error: ")]


def test_a_killed_rank_ends_all_and_another_number_of_ranks_goes_on(
    begun, together, write, tmp_path
):
    process, ranks, _ = begun(4)
    os.kill(ranks[0], signal.SIGKILL)  # the one that writes and prints
    assert process.wait(60) != 0
    assert not any(map(is_alive, ranks))
    (message,) = said(tmp_path)
    assert "rank 0" in message
    assert "--nproc-per-node 4 -m minidl_core run --resume out" in message
    done = together(2, *MINIDL, "--resume", "out", "--no-figures", "--quiet")
    assert done.status == 0, done.err
    _, alone = write(epochs="400")
    subprocess.run(
        [sys.executable, *MINIDL, str(alone), "--output", "one", "--no-figures", "--quiet"],
        cwd=tmp_path,
        env=environment(),
        check=True,
    )
    one, resumed = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "out"))
    assert max(float((one[name] - resumed[name]).abs().max()) for name in one) < 1e-10
    assert json.loads((tmp_path / "out" / "result.json").read_text())["timing"]["resumed"] == 1


def test_a_rank_that_hangs_ends_all_within_the_timeout(begun, tmp_path):
    process, ranks, _ = begun(2, PARALLEL.replace("60", "4"), "1000000")
    began = time.monotonic()
    os.kill(ranks[1], signal.SIGSTOP)
    wait_for("rank 0 to end", lambda: not is_alive(ranks[0]))
    assert time.monotonic() - began < 4 + 20
    os.kill(ranks[1], signal.SIGKILL)  # torchrun would, 30 s later
    assert process.wait(60) != 0
    (message,) = said(tmp_path)
    assert "rank 1 of 2 ended or hangs: rank 0 waited 4." in message
    assert "--resume out" in message


def test_a_loss_that_overflows_on_one_rank_ends_all(together, write, tmp_path):
    rows = [f"{i % 7},{i % 3}" for i in range(60)]
    rows[20] = "1e30,1"  # whose square is beyond float32
    (tmp_path / "data.csv").write_text("\n".join(["x,y", *rows]))
    data = '{ csv = { path = "data.csv", target = "y", task = "regression", normalise = false } }'
    parallel, _ = write(data=data, model="[{ Linear = [1, 1] }]", batch_size="20")
    done = together(2, *MINIDL, parallel, "--output", "out", *OPTIONS)
    assert done.status != 0
    (message,) = done.errors
    assert "The loss of step" in message
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["status"] == "failed"
    assert result["error"].startswith(("NonFiniteError", "NonFiniteElsewhereError"))
