"""Each example's file: its loss curve beside PyTorch's, from the same weights on the same batches.

The short part runs always. ``MINIDL_WHOLE_EXAMPLES=1`` trains each as long as its file says, and
measures what the files promise.
"""

from __future__ import annotations

import json
import os
import statistics
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from minidl_core import Sequential, registry, train
from minidl_plugins_basic import Linear
from minidl_plugins_experiments.config.loading import load_experiment
from minidl_plugins_experiments.training.preparing import prepare
from minidl_plugins_experiments.training.schedules import LearningRate
from minidl_plugins_nn import to_torch

from .torch_gpt import torch_gpt

EXAMPLES = Path(__file__).parents[2] / "examples"
WHOLE = bool(os.environ.get("MINIDL_WHOLE_EXAMPLES"))
STEPS = 10**9 if WHOLE else 30


class LastOutputs(nn.Module):
    """torch's LSTM returns a tuple, and its Sequential cannot select from it."""

    def __init__(self, model) -> None:
        super().__init__()
        self.lstm, self.head = to_torch(model[0]), to_torch(model[3])

    def forward(self, x):
        return self.head(self.lstm(x)[0].flatten(1))


def gpt_of(model):
    """Return torch's network: the same modules as those of ``examples/gpt.py``."""
    tied = model[0]
    blocks = list(tied.inner)
    head = Linear(64, 59, bias=False, dtype=torch.float64)
    head.weight = tied.embedding.weight
    paired = [Sequential(*blocks[i : i + 2]) for i in (1, 3)]
    plain = Sequential(tied.embedding, blocks[0], *paired, blocks[-1], head)
    twin = torch_gpt(plain, 59, SimpleNamespace(**GPT), torch.float64)
    return nn.Sequential(twin, LastToFirst())


class LastToFirst(nn.Module):
    """The classes from the last dimension to where torch's loss has them."""

    def forward(self, x):
        return x.movedim(-1, 1)


GPT = {"width": 64, "heads": 4, "layers": 2, "context": 64}

# How to make the twin, torch's loss, its optimizer, and the norm that gradients are clipped to.
TWINS = {
    "digits_convolution": (
        to_torch,
        nn.CrossEntropyLoss(label_smoothing=0.1),
        {"lr": 5e-3, "weight_decay": 0.05},
        None,
    ),
    "digits_autoencoder": (to_torch, nn.MSELoss(), {"lr": 5e-3}, None),
    "gpt": (
        gpt_of,
        nn.CrossEntropyLoss(),
        {"lr": 3e-3, "betas": (0.9, 0.99), "weight_decay": 0.1},
        1.0,
    ),
    "series_lstm": (LastOutputs, nn.MSELoss(), {"lr": 1e-2}, 1.0),
}


def prepared_of(name, *settings):
    experiment = load_experiment(str(EXAMPLES / f"{name}.toml"), ['dtype="float64"', *settings])
    return prepare(experiment, registry)


@pytest.mark.parametrize("name", TWINS)
def test_the_curve_is_that_of_torch(name):
    pytest.importorskip("sklearn")
    no_noise = ["model[11].Dropout=[0.0]"] if name == "digits_convolution" else []
    prepared = prepared_of(name, *no_noise)
    twin_of, criterion, options, clip = TWINS[name]
    (state,), experiment = prepared.states, prepared.experiment
    twin = twin_of(state.model)
    optimizer = torch.optim.AdamW(twin.parameters(), **options)
    x, y = prepared.data.train
    per_epoch = -(-len(x) // experiment.batch_size)
    rate = LearningRate(state.optimizer, state.schedules, experiment.epochs * per_epoch, per_epoch)
    generator = torch.Generator().manual_seed(0)
    batches = [
        (x[rows], y[rows])
        for _ in range(experiment.epochs)
        for rows in torch.randperm(len(x), generator=generator).split(experiment.batch_size)
    ][:STEPS]
    ours = [
        step.loss.item()
        for step in train(state.model, state.loss, state.optimizer, rate.over(batches, 0))
    ]
    theirs = []
    with torch.enable_grad():
        for number, (inputs, targets) in enumerate(batches):
            optimizer.param_groups[0]["lr"] = rate.at(number)
            optimizer.zero_grad()
            value = criterion(twin(inputs), targets)
            value.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(twin.parameters(), clip)
            optimizer.step()
            theirs.append(value.item())
    assert ours[:30] == pytest.approx(theirs[:30], rel=1e-9)
    assert ours[-1] == pytest.approx(theirs[-1], rel=1e-5)
    assert ours[-1] < ours[0]


def test_digits_convolution_is_right_99_times_of_100(cli, tmp_path):
    pytest.importorskip("sklearn")
    seeds, epochs = (10, 15) if WHOLE else (1, 3)
    arguments = ["--seeds", seeds, "--set", f"epochs={epochs}", "--output", tmp_path / "runs"]
    assert cli("run", EXAMPLES / "digits_convolution.toml", "--no-figures", *arguments) == 0
    errors = json.loads((tmp_path / "runs/seeds.json").read_text())["test_errors"]
    assert len(errors) == seeds
    assert statistics.median(errors) <= (0.01 if WHOLE else 0.03)


def test_the_lstm_looks_ahead(cli, tmp_path):
    arguments = [*([] if WHOLE else ["--set", "epochs=8"]), "--output", tmp_path / "run"]
    assert cli("run", EXAMPLES / "series_lstm.toml", "--no-figures", *arguments) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["final"]["test_error"] < (0.03 if WHOLE else 0.1)


def test_the_gpt_learns_to_spell(cli, tmp_path):
    arguments = [*([] if WHOLE else ["--set", "epochs=2"]), "--output", tmp_path / "run"]
    assert cli("run", EXAMPLES / "gpt.toml", "--no-figures", *arguments) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["final"]["test_loss"] < (2.4 if WHOLE else 3.2)
    assert len(result["data"]["notes"]["classes"]) == 59


def test_the_autoencoder_keeps_most_of_the_pixels(cli, tmp_path):
    pytest.importorskip("sklearn")
    arguments = [*([] if WHOLE else ["--set", "epochs=10"]), "--output", tmp_path / "run"]
    assert cli("run", EXAMPLES / "digits_autoencoder.toml", "--no-figures", *arguments) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["final"]["test_error"] < (0.14 if WHOLE else 0.2)
    assert result["data"]["task"] == "regression"


@pytest.fixture
def cli():
    from minidl_core.command import main

    def run(*arguments) -> int:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return int(ended.value.code or 0)

    return run


@pytest.mark.parametrize(
    ("script", "arguments", "words"),
    [
        ("digits_convolution.py", ["--epochs=1"], "test images wrong"),
        ("digits_autoencoder.py", ["--epochs=1"], "what comes out"),
        ("series_lstm.py", ["--epochs=1", "--length=300"], "of taking the last value"),
    ],
)
def test_scripts_run(run_example, script, arguments, words):
    if script.startswith("digits"):
        pytest.importorskip("sklearn")
    done = run_example(script, *arguments)
    assert done.returncode == 0, done.stderr
    assert words in done.stdout


def test_the_series_in_the_repository_is_that_of_the_script(run_example, tmp_path):
    done = run_example("series_lstm.py", f"--write={tmp_path / 'series.csv'}")
    assert done.returncode == 0, done.stderr
    written = (EXAMPLES / "mackey_glass.csv").read_text(encoding="utf-8")
    assert (tmp_path / "series.csv").read_text(encoding="utf-8") == written
