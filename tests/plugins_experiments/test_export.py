"""``minidl export``: a file that gives the run's own answers, without minidl."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch

from minidl_plugins_experiments import load_run, run
from minidl_plugins_experiments.runs import exporting

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Minidl

pytest.importorskip("minidl_plugins_nn")

PRICES = "area,age,price\n" + "".join(f"{40 + i},{i % 9},{2000 * i + 90_000}\n" for i in range(60))
FLOWERS = "length,width,kind\n" + "".join(
    f"{i / 7:.3f},{(i * i) % 11},{('rose', 'tulip', 'lily')[i % 3]}\n" for i in range(60)
)
WORDS = "area,town,price\n" + "".join(
    f"{40 + i},{('Ulm', 'Bonn')[i % 2]},{2000 * i + 90_000}\n" for i in range(60)
)
NEW = torch.tensor([[50.0, 3.0], [70.5, 8.0], [41.0, 0.0]])


def trained(folder: Path, table: str, loss: str = "MSELoss", **data: Any) -> Path:
    (folder / "table.csv").write_text(table)
    where = {"name": "csv", "path": str(folder / "table.csv"), **data}
    model = [
        {"Linear": {"in_features": "features", "out_features": 6}},
        "Tanh",
        {"Linear": {"in_features": 6, "out_features": "outputs"}},
    ]
    settings = {"epochs": 3, "batch_size": 10, "loss": loss, "model": model}
    run({**settings, "data": where, "optimizer": {"SGD": {"lr": 0.1}}}, output=folder / "run")
    return folder / "run"


def answers_of(file: Path, x: torch.Tensor) -> torch.Tensor:
    """What the file gives, read by what its users have."""
    if file.suffix == ".onnx":
        onnxruntime = pytest.importorskip("onnxruntime")
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        return torch.from_numpy(session.run(None, {"inputs": x.numpy()})[0])
    found: torch.Tensor = torch.export.load(file).module()(x)
    return found


@pytest.mark.parametrize("to", ["torch", "onnx"])
def test_quantities_come_out_in_their_unit(to: str, minidl: Minidl, tmp_path: Path) -> None:
    if to == "onnx":
        pytest.importorskip("onnxscript")
    folder = trained(tmp_path, PRICES, target="price", task="regression")
    file = tmp_path / f"prices.{'onnx' if to == 'onnx' else 'pt2'}"
    done = minidl("export", folder, "--to", to, "--output", file)
    assert done.status == 0, done.err
    assert done.out.strip() == str(file)
    assert "inputs: area, age" in done.err
    expected = load_run(folder).predict(NEW.numpy()).values
    assert answers_of(file, NEW)[:, 0].tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("loss", ["MSELoss", "CrossEntropyLoss"])
def test_probabilities_of_classes_come_out(loss: str, minidl: Minidl, tmp_path: Path) -> None:
    folder = trained(tmp_path, FLOWERS, loss, target="kind")
    file = tmp_path / "flowers.pt2"
    assert minidl("export", folder, "--to", "torch", "--output", file).status == 0
    expected = load_run(folder).predict(NEW.numpy()).probabilities
    assert expected is not None
    found = answers_of(file, NEW)
    for place, shares in enumerate(expected.values()):
        assert found[:, place].tolist() == pytest.approx(shares.tolist(), abs=1e-6)


def test_what_the_format_cannot_hold_is_said(minidl: Minidl, tmp_path: Path) -> None:
    folder = trained(tmp_path, WORDS, target="price", task="regression")
    file = tmp_path / "words.pt2"
    done = minidl("export", folder, "--to", "torch", "--output", file)
    assert done.status == 0
    assert "the file takes the inputs that they become" in done.err
    extra = {"minidl.json": ""}
    torch.export.load(file, extra_files=extra)
    about = json.loads(extra["minidl.json"])
    assert about["inputs"] == ["area", "town = Bonn", "town = Ulm"]
    assert about["columns_as_inputs"] is False


def test_a_file_with_other_answers_is_refused(
    minidl: Minidl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trained(tmp_path, PRICES, target="price", task="regression")
    read = exporting._read_torch
    monkeypatch.setattr(exporting, "_read_torch", lambda file: lambda x: read(file)(x) + 1e4)
    done = minidl("export", folder, "--to", "torch", "--output", tmp_path / "a.pt2")
    assert done.status == 1
    assert "gives other answers than the run" in done.err
    assert [path.name for path in tmp_path.glob("*.pt2")] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--to", "torch", "--output", "none/a.pt2"], "the folder of none/a.pt2 does not exist"),
        (["--to", "tensorflow", "--output", "a.pb"], "'tensorflow' is not one of 'onnx', 'torch'"),
        (["--to", "torch"], "Missing option '--output'"),
    ],
)
def test_what_cannot_be_exported_is_said(
    minidl: Minidl, tmp_path: Path, arguments: list[str], words: str
) -> None:
    folder = trained(tmp_path, PRICES, target="price", task="regression")
    done = minidl("export", folder, *arguments)
    assert done.status != 0
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_folder_without_a_run_is_said(minidl: Minidl, tmp_path: Path) -> None:
    done = minidl("export", tmp_path, "--to", "torch", "--output", tmp_path / "a.pt2")
    assert done.status == 1
    assert "is not a run folder" in done.err
