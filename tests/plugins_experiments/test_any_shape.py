"""Whole-number inputs, class indices, images and sequences: trained, stacked, resumed, refused."""

from __future__ import annotations

import json

import pytest
import torch

from minidl_core import registry
from minidl_plugins_experiments.config.data_checks import rows_as_text
from minidl_plugins_experiments.training import saving as save_module
from minidl_plugins_experiments.training.errors import ErrorMeasure, class_counts
from minidl_plugins_nn import BCEWithLogitsLoss, CrossEntropyLoss

SHAPES = """
import torch
from minidl_plugins_experiments import Data, Split

def draw(make, generator, task):
    return Data(Split(*make(generator, 48)), Split(*make(generator, 23)), task)

def words(*, generator, dtype, beyond=0):
    def make(generator, n):
        x = torch.randint(5, (n, 3), generator=generator)
        return x.int(), (x.sum(1) // 5 + beyond).short()
    return draw(make, generator, "classification")

def letters(*, generator, dtype):
    def make(generator, n):
        x = torch.randint(5, (n, 6), generator=generator)
        y = (x + 1) % 5
        y[:, 0] = -100
        return x, y
    return draw(make, generator, "classification")

def images(*, generator, dtype):
    def make(generator, n):
        x = torch.rand(n, 1, 4, 4, generator=generator)
        y = torch.arange(n) % 2
        x[y == 1, :, :2] += 1
        return x, y
    return draw(make, generator, "classification")

def waves(*, generator, dtype):
    def make(generator, n):
        x = torch.randn(n, 5, 2, generator=generator)
        return x, x.mean(1)[:, :1]
    return draw(make, generator, "regression")

def same(*, generator, dtype):
    def make(generator, n):
        x = torch.rand(n, 1, 4, 4, generator=generator)
        return x, x
    return draw(make, generator, "regression")
"""
NAMES = ("words", "letters", "images", "waves", "same")
ENTRY_POINTS = "[minidl.datasets]\n" + "".join(f"{n} = acme_shapes:{n}\n" for n in NAMES)

CLASSES = '"CrossEntropyLoss"'
EXPERIMENTS = {
    "words": {
        "model": '[{ Embedding = [5, 4] }, "Flatten", { Linear = [12, 3] }]',
        "loss": CLASSES,
    },
    "letters": {
        "model": "[{ Embedding = [5, 8] }, { LayerNorm = [8] }, { Linear = [8, 5] }]",
        "loss": "{ CrossEntropyLoss = { dim = -1 } }",
    },
    "images": {
        "model": '[{ Conv2d = [1, 4, 3] }, "ReLU", "Flatten", { Linear = [16, 2] }]',
        "loss": CLASSES,
    },
    "waves": {
        "model": "[{ LSTM = { input_size = 2, hidden_size = 4, batch_first = true } }, "
        '{ Select = [0] }, "Flatten", { Linear = [20, 1] }]',
        "loss": '"MSELoss"',
    },
    "same": {
        "model": '[{ Conv2d = [1, 4, 3] }, "Tanh", { ConvTranspose2d = [4, 1, 3] }]',
        "loss": '"MSELoss"',
    },
}


@pytest.fixture(autouse=True)
def shapes(install) -> None:
    install("acme_shapes", SHAPES, ENTRY_POINTS)


def result_of(folder) -> dict:
    return json.loads((folder / "result.json").read_text())


def learn(minidl, write, name, *arguments, **lines):
    lines = {"data": f'"{name}"', "batch_size": "8", "epochs": "6", **EXPERIMENTS[name], **lines}
    optimizer = {"optimizer": "{ AdamW = { lr = 0.02 } }"}
    return minidl("run", write(**{**optimizer, **lines}), "--output", *arguments)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_learns_from_any_shape(name, minidl, write, tmp_path):
    done = learn(minidl, write, name, "run", epochs="30")
    assert done.status == 0, done.err
    assert "left out" not in done.err  # no observer failed
    result = result_of(tmp_path / "run")
    losses = [epoch["train_loss"][0] for epoch in result["epochs"]]
    assert losses[-1] < 0.8 * losses[0]
    assert result["final"]["test_error"] < result["restarts"]["dead_above"]
    classes = result["data"]["task"] == "classification"
    assert ("%" in done.out) == ("%" in done.err) == classes
    assert minidl("run", write(name="again.toml", data='"disk"'), "--dry-run").status == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_first_of_the_restarts_is_the_run_alone(name, minidl, write, tmp_path):
    for restarts in ("1", "3"):
        done = learn(minidl, write, name, restarts, "--no-figures", restarts=restarts)
        assert done.status == 0, done.err
    one, three = result_of(tmp_path / "1"), result_of(tmp_path / "3")
    assert three["restarts"]["stacked"], three["restarts"]["reason"]
    for metric in ("train_loss", "test_loss", "train_error", "test_error"):
        alone = [epoch[metric][0] for epoch in one["epochs"]]
        assert [epoch[metric][0] for epoch in three["epochs"]] == pytest.approx(alone, rel=1e-4)
        assert len(three["epochs"][0][metric]) == 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("restarts", ["1", "2"])
def test_evaluation_in_batches_changes_no_metric(name, restarts, minidl, write, tmp_path):
    for rows in ("100", "5"):
        lines = {"restarts": restarts, "evaluate_batch": rows}
        assert learn(minidl, write, name, rows, "--no-figures", **lines).status == 0
    whole, parts = (result_of(tmp_path / rows)["epochs"] for rows in ("100", "5"))
    for metric in ("train_loss", "test_loss", "train_error", "test_error"):
        for one, other in zip(whole, parts, strict=True):
            assert one[metric] == pytest.approx(other[metric], rel=1e-5)


def test_evaluation_sees_no_more_rows_than_asked(minidl, write, monkeypatch):
    from minidl_plugins_nn import Embedding

    monkeypatch.setenv("MINIDL_DISABLE", "minidl-plugins-inspect")  # it looks at all rows
    registry.refresh()
    seen, forward = set(), Embedding.forward

    def watched(self, x):
        if not self.training:
            seen.add(len(x))
        return forward(self, x)

    monkeypatch.setattr(Embedding, "forward", watched)
    done = learn(minidl, write, "words", "run", "--no-figures", evaluate_batch="5")
    assert done.status == 0, done.err
    assert seen == {5, 48 % 5, 23 % 5}
    seen.clear()
    done = learn(minidl, write, "words", "other", "--no-figures")
    assert seen == {4 * 8, 48 - 4 * 8, 23, 8}, "and the units are looked at batch by batch"


@pytest.mark.parametrize("name", NAMES)
def test_a_stopped_run_goes_on_to_the_same_bits(name, minidl, write, tmp_path, monkeypatch):
    lines = {"restarts": "2"}
    every = ["--no-figures", "--checkpoint-every", "0"]
    assert learn(minidl, write, name, "whole", *every, **lines).status == 0
    saving = save_module.save

    def save_and_stop(run) -> None:
        saving(run)
        raise KeyboardInterrupt

    monkeypatch.setattr(save_module, "save", save_and_stop)
    learn(minidl, write, name, "stopped", *every, **lines)
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert minidl("run", "--resume", "stopped", "--no-figures").status == 0
    whole, stopped = (
        (tmp_path / folder / "weights.safetensors").read_bytes() for folder in ("whole", "stopped")
    )
    assert whole == stopped


REFUSED = {
    "a class without an output": (
        "words",
        {"data": "{ words = { beyond = 1 } }"},
        "the model has outputs for the classes 0 to 2, and a target of the training set is 3",
    ),
    "a negative class": (
        "words",
        {"data": "{ words = { beyond = -1 } }"},
        "and a target of the training set is -1",
    ),
    "class indices for a mean squared error": (
        "words",
        {"loss": '"MSELoss"'},
        "a target is one int64: class indices, for a loss such as CrossEntropyLoss",
    ),
    "tokens for a linear layer": (
        "words",
        {"model": "{ Linear = [3, 3] }"},
        "int64",
    ),
    "classes in the wrong dimension": (
        "letters",
        {"loss": CLASSES},
        "for 2 rows of 6 int64 the model gives (2, 6, 5) of float32, and a target is 6 int64",
    ),
    "a loss with parameters": (
        "words",
        {"loss": "{ LinearCrossEntropyLoss = { in_features = 3, num_classes = 3 } }"},
        "LinearCrossEntropyLoss has parameters of its own",
    ),
    "too few rows at once": ("words", {"evaluate_batch": "0"}, "evaluate_batch: expected a whole"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_said(case, minidl, write, tmp_path):
    name, lines, words = REFUSED[case]
    done = learn(minidl, write, name, "run", **lines)
    assert done.status == 2
    assert words in done.err
    assert not (tmp_path / "run").exists()


# -- errors ----------------------------------------------------------------------------------------


def test_errors_of_class_indices_leave_out_what_is_ignored():
    y = torch.tensor([[0, 1, -100], [2, -100, 1]])
    prediction = torch.nn.functional.one_hot(torch.tensor([[0, 0, 0], [2, 0, 1]]), 3).float()
    last = ErrorMeasure.of("classification", CrossEntropyLoss(dim=-1))
    first = ErrorMeasure.of("classification", CrossEntropyLoss())
    assert last(prediction, y).tolist() == [0.25]
    assert first(prediction.movedim(-1, 1), y).tolist() == [0.25]
    assert last(torch.stack([prediction, -prediction]), y, (2,)).tolist() == [0.25, 0.75]


def test_logits_of_one_output_are_split_at_zero():
    y, logits = torch.tensor([[1.0], [0.0]]), torch.tensor([[0.2], [-0.2]])
    assert ErrorMeasure.of("classification", BCEWithLogitsLoss())(logits, y).item() == 0
    assert ErrorMeasure("classification")(logits, y).item() == 0.5


def test_regression_errors_are_root_mean_squares():
    y = torch.zeros(3, 2, 2)
    prediction = torch.stack([y + 2, y - 1])
    assert ErrorMeasure("regression")(prediction, y, (2,)).tolist() == [2.0, 1.0]


def test_classes_are_counted_in_every_form():
    indices = torch.tensor([0, 2, 2, -100])
    assert class_counts(indices).tolist() == [1, 0, 2]
    assert class_counts(torch.eye(3)[[0, 2, 2]]).tolist() == [1, 0, 2]
    assert class_counts(torch.tensor([[1.0], [0.0], [1.0]])).tolist() == [1, 2]


def test_rows_are_told_with_shape_and_dtype():
    assert rows_as_text(torch.zeros(2, 3, 4)) == "3 × 4 float32"
    assert rows_as_text(torch.zeros(2, dtype=torch.long)) == "one int64"
