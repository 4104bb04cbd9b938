"""Several processes train to the weights of one process with the same batches."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from minidl_core import train
from minidl_plugins_basic import SGD, MSELoss

HERE = Path(__file__).parent
DIGITS = {
    "data": '"digits"',
    "model": '[{ Linear = [64, 32] }, "ReLU", { Linear = [32, 10] }]',
    "batch_size": "100",
    "epochs": "2",
}
# What is different from the small experiment, whose last batch is of 12 rows.
CASES = {
    "disk": {},
    "disk-one-row-left": {"points": 48},
    "disk-stacked": {"restarts": "3"},
    "disk-bfloat16": {"dtype": '"bfloat16"'},
    "digits": DIGITS,
}


def figures(folder: Path) -> list[float]:
    epochs = json.loads((folder / "result.json").read_text(encoding="utf-8"))["epochs"]
    return [
        number
        for epoch in epochs
        for name in ("train_loss", "test_loss", "train_error", "test_error")
        for number in epoch[name]
    ]


def largest_difference(one: Path, other: Path) -> float:
    a, b = load_file(one / "weights.safetensors"), load_file(other / "weights.safetensors")
    assert a.keys() == b.keys()
    return max(float((a[name] - b[name]).abs().max()) for name in a)


@pytest.mark.parametrize("count", [2, 4])
def test_experiments_end_in_the_same_weights_and_figures(together, write, tmp_path, count):
    files = {name: write(name, **lines) for name, lines in CASES.items()}
    script = HERE / "several_experiments.py"
    done = together(count, script, tmp_path, *(parallel for parallel, _ in files.values()))
    assert done.status == 0, done.err
    alone = [str(path) for _, path in files.values()]
    subprocess.run([sys.executable, str(script), str(tmp_path), *alone], check=True)
    for name in CASES:
        one, several = tmp_path / f"{name}-alone", tmp_path / f"{name}-parallel"
        if "bfloat16" in name:
            assert largest_difference(one, several) < 0.1
            continue
        assert largest_difference(one, several) < 1e-10, name
        assert figures(several) == pytest.approx(figures(one), abs=1e-10), name


@pytest.mark.parametrize("count", [2, 4])
def test_a_program_of_its_own_with_shared_weights(together, tmp_path, count, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    import own_program

    done = together(count, HERE / "own_program.py", tmp_path)
    assert done.status == 0, done.err
    network = own_program.model(seed=0)
    optimizer = SGD(network.param(), lr=0.1, momentum=0.9)
    for _ in train(network, MSELoss(), optimizer, own_program.batches()):
        pass
    weights = load_file(tmp_path / "weights.safetensors")
    for name, parameter in network.named_param():
        assert (parameter.value - weights[name]).abs().max() < 1e-10
    errors = [(tmp_path / f"error{rank}").read_text() for rank in range(count)]
    assert errors[1].startswith("NonFiniteError: train › batch 0: the input has NaN")
    for other in errors[:1] + errors[2:]:
        assert other.startswith("NonFiniteElsewhereError: the loss is NaN or infinite on rank 1;")
    assert [(tmp_path / f"same{rank}").read_text() for rank in range(count)] == ["True"] * count
    drawn = torch.rand(1, generator=torch.Generator().manual_seed(0)).item()
    kept = [(tmp_path / f"kept{rank}").read_text() for rank in range(count)]
    assert kept == [f"0.0 {drawn}"] * count  # what rank 0 keeps
