"""``examples/disk.toml`` is ``examples/disk.py``, and a stranger's parts fit into it."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from minidl_plugins_experiments.config import reading

EXAMPLES = Path(__file__).parents[2] / "examples"
DISK = EXAMPLES / "disk.toml"


@pytest.fixture(scope="module")
def disk():
    spec = importlib.util.spec_from_file_location("disk", EXAMPLES / "disk.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["disk"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("seed", "restarts"), [(3, 1), (3, 4), (0, 1), (17, 4)])
def test_the_file_and_the_script_come_to_the_same_bits(minidl, disk, tmp_path, seed, restarts):
    done = minidl(
        "run", DISK, "--set", f"seed={seed}", "--set", f"restarts={restarts}", "--no-figures",
        "--output", "run",
    )  # fmt: skip
    assert done.status == 0, done.err
    result = json.loads((tmp_path / "run/result.json").read_text(encoding="utf-8"))
    expected = disk.run(seed, restarts)
    kept = expected.kept
    assert result["restarts"]["selected"] == kept
    assert [epoch["train_error"][kept] for epoch in result["epochs"]] == expected.train_errors
    assert [epoch["test_error"][kept] for epoch in result["epochs"]] == expected.test_errors
    assert result["epochs"][-1]["train_loss"] == expected.losses
    assert len(result["restarts"]["dead"]) == expected.dead
    weights = load_file(tmp_path / "run/weights.safetensors")
    named = dict(expected.model.named_param())
    assert list(weights) == sorted(named)
    assert all(torch.equal(weights[name], named[name].value) for name in named)


def test_the_bundled_experiment_is_the_example():
    bundled = reading.find("disk")
    assert bundled.read_text(encoding="utf-8") == DISK.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("word", "other"), [("ReLU", "Swish"), ("MSELoss", "HuberLoss"), ("SGD", "Adam")]
)
@pytest.mark.parametrize("restarts", [1, 3])
def test_a_strangers_part_fits_by_one_word(minidl, tmp_path, word, other, restarts):
    text = DISK.read_text(encoding="utf-8")
    assert f'"{word}"' in text
    one = tmp_path / "one.toml"
    one.write_text(text.replace(f'"{word}"', f'"{other}"', 1), encoding="utf-8")
    all_of_them = tmp_path / "all.toml"
    all_of_them.write_text(text.replace(f'"{word}"', f'"{other}"'), encoding="utf-8")
    for file in (one, all_of_them):
        done = minidl(
            "run", file, "--set", "epochs=4", "--set", f"restarts={restarts}", "--no-figures"
        )
        assert done.status == 0, done.err
        result = json.loads((tmp_path / f"runs/{file.stem}-1/result.json").read_text())
        assert result["status"] == "finished"
        assert {"acme-nets"} < {component["distribution"] for component in result["components"]}
        assert result["restarts"]["stacked"] is (restarts > 1)


def test_a_qualified_name_means_the_same(minidl, tmp_path):
    for number, name in enumerate(["Swish", "acme-nets/Swish"]):
        arguments = ["--set", f'model[0][1]="{name}"', "--set", "epochs=2", "--no-figures"]
        assert minidl("run", DISK, *arguments, "--output", f"run{number}").status == 0
    first, second = (load_file(tmp_path / f"run{n}/weights.safetensors") for n in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_all_that_a_dry_run_does_is_tell(minidl, tmp_path):
    done = minidl("run", "disk", "--dry-run", "--set", "restarts=2", "--set", "optimizer.lr=0.05")
    assert done.status == 0
    assert done.out.startswith("|x Sequential:\n| | Sequential:\n| | | Linear Layer, in: 2, ")
    assert "parameters: 1377" in done.out
    assert "1000 train, 1000 test rows of 2 inputs, 2 outputs (classification)" in done.out
    assert "model[0][0].Linear: minidl-plugins-basic/Linear" in done.out
    configuration = done.out.partition("configuration:\n")[2].partition("\nnothing was")[0]
    assert json.loads(configuration)["optimizer"] == {"name": "SGD", "lr": 0.05, "momentum": 0.9}
    assert list(tmp_path.iterdir()) == []
