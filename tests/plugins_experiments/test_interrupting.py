"""Ctrl-C and SIGTERM keep the epochs that are done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from minidl_plugins_experiments.training.interrupting import interruptible
from minidl_plugins_experiments.training.strategy import Strategy

COMMAND = [sys.executable, "-m", "minidl_core"]
LONG = ["--no-figures", "--checkpoint-every", "600", "--json-lines", "lines", "--output", "run"]


def stopped_by(number, path, folder, *arguments):
    """Run `path`, and send the signal `number` once some epochs are done."""
    command = [*COMMAND, "run", str(path), *LONG, *arguments]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    lines = folder / "lines"
    for _ in range(600):
        if lines.exists() and lines.read_text().count('"epoch"') >= 5:
            break
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_every_finished_epoch(write, tmp_path, number, status):
    path = write(epochs="1000000")
    code, out, err = stopped_by(number, path, tmp_path)
    assert code == status, err
    assert "Aborted" not in out + err
    assert "Traceback" not in err
    done = (tmp_path / "lines").read_text().count('"event": "epoch"')
    assert f"minidl: stopped; {done} epochs are saved; resume with: minidl run --resume run" in err
    assert (tmp_path / "run/checkpoint.safetensors").exists()
    assert not (tmp_path / "run/lock").exists()


def test_resumed_counts_every_resume(minidl, write, tmp_path, monkeypatch):
    """Also those that were killed before their end."""
    path = write(epochs="6")
    from minidl_plugins_experiments.training.run import Run

    trained = Run._train_epoch

    def killed_later(self, epoch, progress):
        trained(self, epoch, progress)
        raise KeyboardInterrupt  # in the middle of an epoch, each time

    monkeypatch.setattr(Run, "_train_epoch", killed_later)
    assert minidl("run", path, "--no-figures", "--output", "run").status == 130
    for _ in range(3):
        assert minidl("run", "--resume", "run", "--no-figures").status == 130
    monkeypatch.setattr(Run, "_train_epoch", trained)
    assert minidl("run", "--resume", "run", "--no-figures").status == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["timing"]["resumed"] == 4
    assert len(result["epochs"]) == 6


class FakeRun:
    def __init__(self, **attributes):
        self.strategy, self.epochs, self.saved_epochs = Strategy(), [{}] * 4, 2
        self.between_epochs, self.announced, self.stopping = False, True, None
        vars(self).update(attributes)


def test_the_first_signal_waits_for_the_epoch(capsys):
    run = FakeRun()
    with interruptible(run):
        os.kill(os.getpid(), signal.SIGINT)
        assert isinstance(run.stopping, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert "stopping after epoch 5" in capsys.readouterr().err


def test_a_signal_waits_until_the_observers_have_heard_of_the_epoch(capsys):
    run = FakeRun(between_epochs=True, announced=False)
    with interruptible(run):
        os.kill(os.getpid(), signal.SIGTERM)
        assert isinstance(run.stopping, SystemExit)
    assert "stopping after epoch 4;" in capsys.readouterr().err


@pytest.mark.parametrize("state", [{"between_epochs": True}, {"saved_epochs": 4}])
def test_a_signal_that_loses_nothing_ends_at_once(state):
    with interruptible(FakeRun(**state)), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
