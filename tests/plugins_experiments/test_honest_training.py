"""Baselines, early stopping, and warnings about results that look better than they are."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from minidl_core import registry
from minidl_plugins_experiments import load_run
from minidl_plugins_experiments.runs.honesty import honest_warnings

TABLE = '{ name = "csv", path = "t.csv", target = "y", task = "regression", validation = 0.2 }'
MODEL = '[{ Linear = [2, 16] }, "Tanh", { Linear = [16, 1] }]'


def write_table(path, noise=0.0, rows=100, scale=100.0):
    generator = torch.Generator().manual_seed(1)
    inputs = torch.rand(rows, 2, generator=generator)
    wrong = noise * torch.randn(rows, generator=generator)
    lines = ["a,b,y"]
    for (a, b), error in zip(inputs.tolist(), wrong.tolist(), strict=True):
        lines.append(f"{a:.4f},{b:.4f},{scale * (2 * a - b + error):.4f}")
    path.write_text("\n".join(lines) + "\n")


def result_of(folder):
    return json.loads((folder / "result.json").read_text())


# -- baselines -------------------------------------------------------------------------------------


def test_the_constant_is_the_mean_of_the_training_set(minidl, write, tmp_path):
    write_table(tmp_path / "t.csv")
    done = minidl("run", write(data=TABLE, model=MODEL), "--no-figures", "--output", "run")
    assert done.status == 0, done.err
    constant = result_of(tmp_path / "run")["baseline"]["constant"]
    assert constant["train_error"] == pytest.approx((59 / 60) ** 0.5, rel=1e-3)  # std has n - 1
    assert "baseline (test error): always the same answer" in done.out


def test_the_linear_model_is_trained_the_same_way(minidl, write, tmp_path):
    """A run of that one layer, with the same first weights and order, has the same errors."""
    path = write(model="[{ Linear = [2, 2] }]", epochs="6", schedule='"linear"')
    assert minidl("run", path, "--no-figures", "--output", "run").status == 0
    result = result_of(tmp_path / "run")
    linear = result["baseline"]["linear"]
    assert set(linear) == {"train_error", "test_error"}
    assert linear["train_error"] == pytest.approx(result["final"]["train_error"], abs=0.1)
    assert any("a linear model trained the same way is as good" in w for w in result["warnings"]) \
        == (linear["test_error"] <= result["final"]["test_error"])  # fmt: skip


def test_a_baseline_changes_nothing_in_the_run(minidl, write, tmp_path):
    for name, value in (("with", "true"), ("without", "false")):
        arguments = ["--set", f"baseline={value}", "--no-figures", "--output", name]
        assert minidl("run", write(restarts="2"), *arguments).status == 0
    one, other = result_of(tmp_path / "with"), result_of(tmp_path / "without")
    assert one["epochs"] == other["epochs"]
    assert other["baseline"] is None
    assert (tmp_path / "with/weights.safetensors").read_bytes() == (
        tmp_path / "without/weights.safetensors"
    ).read_bytes()


def test_a_linear_model_that_diverges_has_a_reason(minidl, write, tmp_path, monkeypatch):
    write_table(tmp_path / "t.csv")
    path = write(
        data=TABLE, model='["Tanh", { Linear = [2, 1] }, "Tanh"]',
        optimizer="{ SGD = { lr = 1e18 } }",
    )  # fmt: skip
    done = minidl("run", path, "--no-figures", "--output", "run")
    assert done.status == 0, done.err
    baseline = result_of(tmp_path / "run")["baseline"]
    assert baseline["linear"] is None
    assert "not finite" in baseline["reason"]


def test_errors_are_also_told_in_the_targets_unit(minidl, write, tmp_path):
    write_table(tmp_path / "t.csv")
    done = minidl("run", write(data=TABLE, model=MODEL), "--no-figures", "--output", "run")
    result, loaded = result_of(tmp_path / "run"), load_run(tmp_path / "run")
    std = loaded.transform.target.std[0]
    units = result["final_in_units"]
    assert units["target"] == "y"
    assert units["test_error"] == pytest.approx(result["final"]["test_error"] * std)
    assert f"{units['test_error']:.4g} in the unit of y" in done.out


# -- early stopping --------------------------------------------------------------------------------

STOP = "{ patience = 3 }"


@pytest.mark.parametrize("restarts", [1, 2])
def test_the_best_epoch_is_kept(minidl, write, tmp_path, restarts):
    write_table(tmp_path / "t.csv", noise=0.5)
    lines = {"data": TABLE, "model": MODEL, "restarts": str(restarts), "batch_size": "5"}
    path = write(**lines, epochs="200", stop=STOP, optimizer="{ SGD = { lr = 0.3 } }")
    done = minidl("run", path, "--no-figures", "--output", "run")
    assert done.status == 0, done.err
    result = result_of(tmp_path / "run")
    kept, selected = result["kept"], result["restarts"]["selected"]
    assert kept["stopped_early"]
    assert len(result["epochs"]) == kept["epoch"] + 3
    values = [value for epoch in result["epochs"] for value in epoch["validation_loss"]]
    record = result["epochs"][kept["epoch"] - 1]
    assert record["validation_loss"][selected] == min(values)
    assert result["final"]["test_error"] == record["test_error"][selected]
    assert f"kept epoch {kept['epoch']}" in done.out

    path = write(**lines, epochs=str(kept["epoch"]), optimizer="{ SGD = { lr = 0.3 } }",
                 select_on='"validation_loss"')  # fmt: skip
    assert minidl("run", path, "--no-figures", "--output", "short").status == 0
    one, other = (load_file(tmp_path / each / "weights.safetensors") for each in ("run", "short"))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("epoch", [1, 4, 6])
def test_early_stopping_resumes_to_the_same_bits(minidl, write, tmp_path, monkeypatch, epoch):
    write_table(tmp_path / "t.csv", noise=0.5)
    path = write(
        data=TABLE, model=MODEL, batch_size="5", epochs="200", stop=STOP, restarts="2",
        optimizer="{ SGD = { lr = 0.3 } }",
    )  # fmt: skip
    assert minidl("run", path, "--no-figures", "--output", "whole").status == 0
    assert len(result_of(tmp_path / "whole")["epochs"]) >= epoch
    call_each = type(registry.hooks).call_each

    def interrupted(self, hook, **given):
        if hook == "minidl_epoch_ended" and given["epoch"] == epoch:
            raise KeyboardInterrupt
        return call_each(self, hook, **given)

    with monkeypatch.context() as patch:
        patch.setattr(type(registry.hooks), "call_each", interrupted)
        assert minidl("run", path, "--no-figures", "--output", "cut").status == 130
    assert minidl("run", "--resume", "cut", "--no-figures").status == 0
    whole, cut = result_of(tmp_path / "whole"), result_of(tmp_path / "cut")
    for key in ("epochs", "kept", "final", "baseline", "restarts", "warnings"):
        assert whole[key] == cut[key], key
    for file in ("weights.safetensors", "checkpoint.safetensors"):
        one, other = (load_file(tmp_path / each / file) for each in ("whole", "cut"))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ({"stop": STOP}, "stop: early stopping needs a validation set"),
        ({"stop": "{ patience = 0 }"}, "stop.patience: expected a whole number"),
        ({"stop": "{ patiense = 3 }"}, 'Did you mean "patience"'),
        ({"stop": '{ patience = 3, on = "test_error" }'}, "stop.on: expected one of"),
        ({"stop": "3"}, "stop: expected a table"),
        ({"baseline": "3"}, "baseline: expected true or false"),
    ],
)
def test_a_stop_that_cannot_be_is_refused(minidl, write, lines, said):
    done = minidl("run", write(**lines), "--dry-run")
    assert done.status == 2
    assert said in done.err


def test_choosing_on_the_test_set_is_told(minidl, write, tmp_path):
    path = write(stop='{ patience = 2, on = "test_loss" }', epochs="30")
    done = minidl("run", path, "--no-figures", "--output", "run")
    assert done.status == 0, done.err
    assert "the test set chose epoch" in done.out


# -- warnings --------------------------------------------------------------------------------------


def result_with(train, test, **more):
    epochs = [
        {"epoch": i + 1, "train_loss": [a], "test_loss": [b]}
        for i, (a, b) in enumerate(zip(train, test, strict=True))
    ]
    return {
        "data": {"task": "classification"},
        "restarts": {"count": 1, "dead": [], "selected": 0},
        "epochs": epochs,
        "final": {"test_error": 0.2},
        **more,
    }


def test_a_rising_test_loss_is_overfitting():
    (warning,) = honest_warnings(
        result_with([0.9, 0.6, 0.4, 0.3, 0.2, 0.1], [0.8, 0.6, 0.5, 0.6, 0.7, 0.9])
    )
    assert "test loss was lowest in epoch 3 (0.5) and rose to 0.9" in warning
    assert "stop = { patience = 10 }" in warning


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ([0.9, 0.6, 0.4, 0.3, 0.2, 0.1], [0.8, 0.6, 0.5, 0.4, 0.3, 0.2]),  # both fall
        ([0.9, 0.6, 0.4, 0.6, 0.8, 0.9], [0.8, 0.6, 0.5, 0.6, 0.7, 0.9]),  # both rise
        ([0.9, 0.6, 0.4, 0.3, 0.2, 0.1], [0.8, 0.6, 0.5, 0.51, 0.5, 0.52]),  # hardly
        ([0.9, None, 0.4, 0.3, 0.2, 0.1], [0.8, None, 0.5, 0.6, 0.7, 0.9]),  # diverged
    ],
)
def test_other_curves_are_not_overfitting(train, test):
    assert honest_warnings(result_with(train, test)) == []


def test_a_model_worse_than_a_simple_one_is_told():
    fine = [0.5] * 5
    for name, words in (("constant", "always giving the same"), ("linear", "a linear model")):
        baseline = {"constant": {"test_error": 0.5}, "linear": None, name: {"test_error": 0.1}}
        (warning,) = honest_warnings(result_with(fine, fine, baseline=baseline))
        assert warning.startswith(words)
        assert "test error 10.00%, and this model has 20.00%" in warning
