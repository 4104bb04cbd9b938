"""A run that was stopped goes on to the bits it would have come to."""

from __future__ import annotations

import errno
import json
import os
import shutil

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from minidl_core import registry
from minidl_plugins_experiments import files
from minidl_plugins_experiments.training import checkpoint_file as checkpointing


@pytest.fixture
def stopped_after(monkeypatch):
    """Stop every run after that epoch; None lets it go on."""

    def stop(epoch):
        call_each = type(registry.hooks).call_each

        def interrupted(self, hook, **arguments):
            if hook == "minidl_epoch_ended" and arguments["epoch"] == epoch:
                raise KeyboardInterrupt
            return call_each(self, hook, **arguments)

        if epoch is None:
            monkeypatch.undo()
        else:
            monkeypatch.setattr(type(registry.hooks), "call_each", interrupted)

    return stop


def outcome(folder):
    """All of a finished run that has to be the same."""
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    kept = {key: result[key] for key in ("status", "configuration", "seeds", "restarts", "epochs",
                                         "final", "warnings")}  # fmt: skip
    return kept, load_file(folder / "weights.safetensors"), state_in(folder)


def state_in(folder):
    return load_file(folder / "checkpoint.safetensors")


def assert_same(a, b):
    assert a[0] == b[0]
    for first, second in ((a[1], b[1]), (a[2], b[2])):
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first)


EXPERIMENTS = {
    "one start": {},
    "stacked": {"restarts": "3", "schedule": '"cosine"'},
    "Adam": {"optimizer": '{ name = "Adam", lr = 0.01 }', "schedule": "{ step = { every = 2 } }"},
    "Lion, bfloat16": {"optimizer": '"Lion"', "dtype": '"bfloat16"', "restarts": "2"},
    "one beside another": {
        "restarts": "3",
        "model": '[{ Linear = [2, 4] }, { Linear = [4, 2] }, "Noise"]',
    },
}

NOISE = '''
import torch
from minidl_core import BaseModule


class Noise(BaseModule):
    """Adds noise while training, and keeps a running mean: state that is no parameter."""

    def __init__(self, *, generator=None):
        seed = int(torch.randint(2**40, (), generator=generator))
        self.generator = torch.Generator().manual_seed(seed)
        self.register_buffer("mean", torch.zeros(2))

    def forward(self, x):
        self.push(None)
        if self.training:
            self.mean += 0.1 * (x.mean(0) - self.mean)
            x = x + 0.01 * torch.randn(x.shape, generator=self.generator) + 0.001 * torch.rand(())
        return x + 0.1 * self.mean

    def backward(self, grad_output):
        self.pop()
        return grad_output
'''


@pytest.fixture
def noise(tmp_path_factory, monkeypatch):
    """A stranger's module with random numbers, installed as pip would."""
    site = tmp_path_factory.mktemp("site")
    (site / "noise_maker.py").write_text(NOISE, encoding="utf-8")
    info = site / "noise_maker-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noise-maker\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[minidl.modules]\nNoise = noise_maker:Noise\n")
    monkeypatch.syspath_prepend(str(site))
    registry.refresh()
    yield
    monkeypatch.undo()
    registry.refresh()


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("epoch", [1, 4])
def test_it_goes_on_to_the_same_bits(minidl, write, tmp_path, noise, name, epoch):
    path = write(epochs="6", **EXPERIMENTS[name])
    arguments = ["--no-figures", "--checkpoint-every", "0"]
    assert minidl("run", path, *arguments, "--output", "whole").status == 0
    with pytest.MonkeyPatch.context() as patch:
        call_each = type(registry.hooks).call_each

        def interrupted(self, hook, **given):
            if hook == "minidl_epoch_ended" and given["epoch"] == epoch:
                raise KeyboardInterrupt
            return call_each(self, hook, **given)

        patch.setattr(type(registry.hooks), "call_each", interrupted)
        done = minidl("run", path, *arguments, "--output", "stopped")
    assert done.status != 0
    assert not (tmp_path / "stopped/weights.safetensors").exists()
    done = minidl("run", "--resume", "stopped", "--no-figures")
    assert done.status == 0, done.err
    assert_same(outcome(tmp_path / "whole"), outcome(tmp_path / "stopped"))


@pytest.fixture
def stopped(minidl, write, tmp_path, stopped_after):
    """The folder of a run that was stopped after the third of five epochs."""
    stopped_after(3)
    path = write(epochs="5")
    arguments = ["--no-figures", "--checkpoint-every", "0", "--output"]
    assert minidl("run", path, *arguments, tmp_path / "stopped").status != 0
    stopped_after(None)
    os.chdir(tmp_path)
    return tmp_path / "stopped"


def test_a_finished_run_is_left_as_it_is(minidl, write, tmp_path):
    assert minidl("run", write(), "--no-figures", "--output", "run").status == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    done = minidl("run", "--resume", "run")
    assert done.status == 0
    assert "test error:" in done.out
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_without_a_checkpoint_it_begins_again(minidl, stopped):
    (stopped / "checkpoint.safetensors").unlink()
    done = minidl("run", "--resume", stopped, "--no-figures")
    assert done.status == 0, done.err
    assert len(json.loads((stopped / "result.json").read_text())["epochs"]) == 5


@pytest.mark.parametrize("place", [0, 4, 8, 40, 0.2, 0.5, 0.9, -1])
def test_a_checkpoint_with_one_wrong_bit_is_refused(minidl, stopped, place):
    path = stopped / "checkpoint.safetensors"
    content = bytearray(path.read_bytes())
    position = place if isinstance(place, int) else int(place * len(content))
    content[position] ^= 4
    path.write_bytes(content)
    done = minidl("run", "--resume", stopped)
    assert done.status == 1
    assert "checkpoint.safetensors is" in done.err
    assert "Traceback" not in done.err
    assert path.read_bytes() == content, "what is damaged is left for whoever mends it"


@pytest.mark.parametrize("length", [0, 7, 100, -100])
def test_a_checkpoint_cut_short_is_refused(minidl, stopped, length):
    path = stopped / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    done = minidl("run", "--resume", stopped)
    assert done.status == 1
    assert "is damaged" in done.err


def test_the_checkpoint_of_another_run_is_refused(minidl, write, stopped, tmp_path):
    arguments = ["--no-figures", "--output", tmp_path / "other"]
    assert minidl("run", write(epochs="5"), *arguments).status == 0
    shutil.copy(tmp_path / "other/checkpoint.safetensors", stopped)
    done = minidl("run", "--resume", stopped)
    assert done.status == 1
    assert "belongs to another run" in done.err


def test_a_file_of_weights_is_no_checkpoint(minidl, stopped):
    save_file({"0.weight": torch.ones(2)}, stopped / "checkpoint.safetensors")
    done = minidl("run", "--resume", stopped)
    assert done.status == 1
    assert "is no checkpoint of minidl" in done.err


def test_a_checkpoint_that_would_run_code_is_only_text_and_numbers(stopped):
    with safe_open(stopped / "checkpoint.safetensors", framework="pt") as file:
        header = json.loads(file.metadata()["minidl"])
    assert header["epoch"] == 3
    assert header["format"] == "minidl checkpoint"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is not a run folder"),
        (b"{", "cannot be read"),
        (b"[]", "is not the result of a run"),
        (b'{"schema": 99}', "has the schema 99, and this version reads 1"),
        (b'{"schema": 1, "status": "running"}', "is damaged: it has no"),
    ],
)
def test_a_result_that_is_none_is_refused(minidl, tmp_path, content, said):
    (tmp_path / "run").mkdir()
    if content is not None:
        (tmp_path / "run/result.json").write_bytes(content)
    done = minidl("run", "--resume", "run")
    assert done.status == 1
    assert said in done.err
    assert "Traceback" not in done.err


def test_data_that_changed_meanwhile_is_refused(minidl, write, stopped):
    path = stopped / "result.json"
    result = json.loads(path.read_text())
    result["data"]["fingerprint"] = "0"
    path.write_text(json.dumps(result))
    done = minidl("run", "--resume", stopped)
    assert done.status == 1
    assert "the data has changed since the run began" in done.err


def test_other_versions_are_told(minidl, stopped):
    path = stopped / "result.json"
    result = json.loads(path.read_text())
    result["distributions"]["torch"] = "1.0"
    path.write_text(json.dumps(result))
    done = minidl("run", "--resume", stopped, "--no-figures")
    assert done.status == 0
    assert "and was 1.0 when the run began; the bits may differ" in done.err


# -- a full disk -----------------------------------------------------------------------------------


def no_space(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_loses_no_earlier_checkpoint(minidl, write, tmp_path, monkeypatch):
    """From the third checkpoint on there is no space; the second one still serves."""
    written = []
    write_checkpoint = checkpointing.write_checkpoint

    def until_full(path, checkpoint):
        if len(written) == 2:
            monkeypatch.setattr(files.os, "fsync", no_space)
        write_checkpoint(path, checkpoint)
        written.append(checkpoint.epoch)

    monkeypatch.setattr("minidl_plugins_experiments.training.saving.write_checkpoint", until_full)
    path = write(epochs="6")
    done = minidl("run", path, "--no-figures", "--checkpoint-every", "0", "--output", "full")
    assert done.status == 1
    assert (
        "no checkpoint after epoch 3 ([Errno 28] No space left on device); the run continues"
        in done.err
    )
    assert "resume with: minidl run --resume full" in done.err
    assert written == [1, 2]
    assert not list((tmp_path / "full").glob("*.partial"))
    monkeypatch.undo()
    os.chdir(tmp_path)
    assert minidl("run", "--resume", "full", "--no-figures").status == 0
    assert minidl("run", path, "--no-figures", "--output", "whole").status == 0
    assert_same(outcome(tmp_path / "whole"), outcome(tmp_path / "full"))


def test_what_is_written_in_one_piece_is_there_or_not(tmp_path, monkeypatch):
    path = tmp_path / "file"
    files.write_atomically(path, b"old")
    monkeypatch.setattr(files.os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        files.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
