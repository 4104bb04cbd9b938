"""The observer stores a bounded number of snapshots, and changes nothing in the run."""

from __future__ import annotations

import json
import re

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
    across = [left + (right - left) * (column + 0.5) / SIZE for column in range(SIZE)]
    down = [top - (top - bottom) * (row + 0.5) / SIZE for row in range(SIZE)]
    points = torch.tensor([[x, y] for y in down for x in across], dtype=torch.float64)
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


SHAPES = """
import torch
from minidl_plugins_experiments import Data, Split

def draw(make, generator):
    return Data(Split(*make(generator, 60)), Split(*make(generator, 40)), "classification")

def indices(*, generator, dtype):
    def make(generator, n):
        x = torch.rand(n, 2, generator=generator)
        return x, (3 * x[:, 0]).long()
    return draw(make, generator)

def column(*, generator, dtype):
    def make(generator, n):
        x = torch.rand(n, 2, generator=generator)
        return x, (x[:, :1] > 0.5).to(dtype)
    return draw(make, generator)

def images(*, generator, dtype):
    def make(generator, n):
        y = torch.arange(n) % 2
        x = torch.rand(n, 1, 4, 4, generator=generator)
        x[y == 1, :, :2] += 1
        y[0] = -100
        return x, y
    return draw(make, generator)

def letters(*, generator, dtype):
    def make(generator, n):
        x = torch.randint(5, (n, 6), generator=generator)
        return x, (x + 1) % 5
    return draw(make, generator)
"""
LAYERS = {
    "indices": ('[{ Linear = [2, 3] }]', '"CrossEntropyLoss"'),
    "column": ('[{ Linear = [2, 1] }]', '"BCEWithLogitsLoss"'),
    "images": ('["Flatten", { Linear = [16, 2] }]', '"CrossEntropyLoss"'),
    "letters": ('[{ Embedding = [5, 5] }]', '{ name = "CrossEntropyLoss", dim = -1 }'),
}  # fmt: skip


@pytest.fixture
def shapes(tmp_path, monkeypatch):
    """A stranger's datasets, installed as pip would."""
    from minidl_core import registry

    site = tmp_path / "site"
    info = site / "acme_shapes-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "acme_shapes.py").write_text(SHAPES, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-shapes\nVersion: 1.0\n")
    points = "\n".join(f"{name} = acme_shapes:{name}" for name in LAYERS)
    (info / "entry_points.txt").write_text(f"[minidl.datasets]\n{points}\n")
    monkeypatch.syspath_prepend(str(site))
    registry.refresh()
    yield
    monkeypatch.undo()
    registry.refresh()


@pytest.mark.usefixtures("shapes")
@pytest.mark.parametrize("restarts", [1, 2])
@pytest.mark.parametrize("name", LAYERS)
def test_data_of_any_shape_are_stored(tmp_path, capsys, name, restarts):
    model, loss = LAYERS[name]
    file = tmp_path / "any.toml"
    text = re.sub(r"^(data|model|loss|restarts) =.*\n", "", FILE, flags=re.MULTILINE)
    lines = f'data = "{name}"\nmodel = {model}\nloss = {loss}\nrestarts = {restarts}\n'
    file.write_text(lines + text, encoding="utf-8")
    output = tmp_path / "run"
    assert run_minidl("run", file, "--output", output, "--no-figures", "--quiet") == 0
    assert "left out" not in capsys.readouterr().err
    content = snapshots_of(output)
    assert len(content["frames"]) == 5
    assert ("boundary" in content["frames"][0]) == (name in ("indices", "column"))
    final = json.loads((output / "result.json").read_text(encoding="utf-8"))["final"]
    if name == "letters":
        assert content["misclassified"] is None
    else:
        for split in ("train", "test"):
            wrong, rows = content["misclassified"]["counts"][split]
            assert wrong / rows == pytest.approx(final[f"{split}_error"])
    assert run_minidl("report", output) == 0
