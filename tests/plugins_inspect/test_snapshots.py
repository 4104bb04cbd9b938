"""The observer stores a bounded number of snapshots, and changes nothing in the run."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from minidl_plugins_experiments import load_run
from minidl_plugins_inspect import watch
from minidl_plugins_inspect.snapshots.boundary import SIZE, packed, unpacked
from minidl_plugins_inspect.snapshots.recorder import MOST_FRAMES, chosen_epochs

from .conftest import FILE, run_minidl


def snapshots_of(folder):
    return json.loads((folder / "snapshots.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("epochs", [1, 2, 12, 13, 50, 10_000])
def test_stored_epochs_are_few_and_hold_the_last(epochs):
    chosen = chosen_epochs(epochs)
    assert {0, 1, epochs} <= chosen <= set(range(epochs + 1))
    assert len(chosen) <= MOST_FRAMES


@pytest.mark.parametrize("labels", [[], [0], [0, 0, 1, 1, 1, 0], [25] * 100])
def test_packed_labels_unpack_to_themselves(labels):
    assert unpacked(packed(labels)) == labels


def test_frames_hold_the_decisions_of_the_trained_model(disk_run):
    content, loaded = snapshots_of(disk_run), load_run(disk_run)
    assert [frame["epoch"] for frame in content["frames"]] == [0, 1, 2, 3, 4]
    left, right, bottom, top = content["corners"]
    across = torch.linspace(left, right, SIZE, dtype=torch.float64)
    down = torch.linspace(top, bottom, SIZE, dtype=torch.float64)
    points = torch.tensor([[x, y] for y in down.tolist() for x in across.tolist()])
    boundary = content["frames"][-1]["boundary"]
    assert len(boundary) == 3
    selected = loaded.result["restarts"]["selected"]
    assert unpacked(boundary[selected]) == loaded.outputs(points.float()).argmax(1).tolist()


def test_misclassified_rows_agree_with_the_errors(disk_run):
    found = snapshots_of(disk_run)["misclassified"]
    final = load_run(disk_run).result["final"]
    for split in ("train", "test"):
        wrong, rows = found["counts"][split]
        assert wrong / rows == pytest.approx(final[f"{split}_error"])
    assert all(row["label"] != row["predicted"] for row in found["rows"])
    assert all(0 <= value <= 1 for row in found["rows"] for value in row["x"])  # as they were drawn


def test_layers_are_measured_at_each_frame(disk_run):
    content = snapshots_of(disk_run)
    assert [layer["path"] for layer in content["layers"]] == ["", "0", "1", "2"]
    for frame in content["frames"]:
        paths = [layer["path"] for layer in frame["layers"]]
        assert paths == ["0", "1", "2"]
        assert all(sum(layer["counts"]) > 0 for layer in frame["layers"])
        assert all(layer["gradient"] >= 0 for layer in frame["layers"])
        assert "dead" in frame["layers"][1]


@pytest.mark.parametrize("restarts", [1, 3])
def test_runs_keep_their_bits(tmp_path, monkeypatch, restarts):
    file = tmp_path / "disk.toml"
    file.write_text(FILE, encoding="utf-8")
    for name, disabled in (("with", ""), ("without", "minidl-plugins-inspect")):
        monkeypatch.setenv("MINIDL_DISABLE", disabled)
        from minidl_core import registry

        registry.refresh()
        output = tmp_path / name
        settings = ["--set", f"restarts={restarts}"]
        assert run_minidl("run", file, *settings, "--output", output, "--quiet") == 0
    registry.refresh()
    assert (tmp_path / "with" / "snapshots.json").exists()
    assert not (tmp_path / "without" / "snapshots.json").exists()
    ours, theirs = (load_file(tmp_path / n / "checkpoint.safetensors") for n in ("with", "without"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_resumed_runs_continue_their_frames(tmp_path, monkeypatch):
    file = tmp_path / "disk.toml"
    file.write_text(FILE, encoding="utf-8")
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert run_minidl("run", file, "--output", whole, "--quiet") == 0
    from minidl_plugins_inspect import observer

    take = observer.minidl_epoch_ended

    def interrupted(run, epoch):
        take(run, epoch)
        if epoch == 2:
            raise KeyboardInterrupt

    from minidl_core import hookimpl, registry

    monkeypatch.setattr(observer, "minidl_epoch_ended", hookimpl(interrupted))
    registry.refresh()
    assert run_minidl("run", file, "--output", stopped, "--quiet") != 0
    monkeypatch.undo()
    registry.refresh()
    assert [frame["epoch"] for frame in snapshots_of(stopped)["frames"]] == [0, 1, 2]
    assert run_minidl("run", "--resume", stopped, "--quiet") == 0
    ours, theirs = snapshots_of(whole), snapshots_of(stopped)
    for key in ("frames", "misclassified", "layers"):
        assert ours[key] == theirs[key]


def test_the_last_frame_is_the_trained_model(disk_run):
    loaded, content = load_run(disk_run), snapshots_of(disk_run)
    frame = content["frames"][-1]
    assert frame["restart"] == loaded.result["restarts"]["selected"]
    x = torch.tensor(content["points"]["train"]["x"])[:20]
    seen = watch(loaded.model, x)
    for layer in frame["layers"]:
        mean = float(seen[layer["path"]].output.mean())
        assert mean == pytest.approx(layer["mean"], rel=1e-3, abs=1e-4)
