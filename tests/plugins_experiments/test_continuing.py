"""A finished run goes on: longer, with moved data, or as the beginning of another run."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from minidl_plugins_experiments import load_run

TABLE = '{ name = "csv", path = "t.csv", target = "y", task = "regression" }'
MODEL = '[{ Linear = [2, 4] }, "Tanh", { Linear = [4, 1] }]'


def write_table(path, rows=60, shift=0.0):
    generator = torch.Generator().manual_seed(rows)
    lines = ["a,b,y"]
    for a, b in torch.rand(rows, 2, generator=generator).tolist():
        lines.append(f"{a + shift:.4f},{b:.4f},{100 * (2 * a - b):.3f}")
    path.write_text("\n".join(lines) + "\n")


def result_of(folder):
    return json.loads((folder / "result.json").read_text())


def weights_of(folder):
    return load_file(folder / "weights.safetensors")


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


# -- longer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("restarts", [1, 3])
def test_training_longer_equals_a_longer_run(minidl, write, tmp_path, restarts):
    path = write(restarts=str(restarts))
    assert minidl("run", path, "--no-figures", "--output", "run").status == 0
    done = minidl("run", "--resume", "run", "--set", "epochs=7", "--no-figures")
    assert done.status == 0, done.err
    arguments = ["--set", "epochs=7", "--no-figures", "--output", "whole"]
    assert minidl("run", path, *arguments).status == 0
    longer, whole = result_of(tmp_path / "run"), result_of(tmp_path / "whole")
    assert longer["epochs"] == whole["epochs"]
    assert longer["configuration"] == whole["configuration"]
    assert same(weights_of(tmp_path / "run"), weights_of(tmp_path / "whole"))


def test_a_run_cannot_become_shorter(minidl, write, tmp_path):
    assert minidl("run", write(), "--no-figures", "--output", "run").status == 0
    before = (tmp_path / "run/result.json").read_bytes()
    done = minidl("run", "--resume", "run", "--set", "epochs=2")
    assert done.status == 2
    assert "the run has 3 epochs already" in done.err
    assert (tmp_path / "run/result.json").read_bytes() == before


def test_other_settings_are_refused_on_resume(minidl, write):
    assert minidl("run", write(), "--no-figures", "--output", "run").status == 0
    done = minidl("run", "--resume", "run", "--set", "optimizer.lr=1")
    assert done.status == 2
    assert "a run that began keeps its optimizer.lr" in done.err
    assert '--set weights="run"' in done.err


def test_a_schedule_over_more_epochs_is_told(minidl, write):
    path = write(schedule='"linear"')
    assert minidl("run", path, "--no-figures", "--output", "run").status == 0
    done = minidl("run", "--resume", "run", "--set", "epochs=5", "--no-figures")
    assert done.status == 0
    assert "the schedule linear now reaches over 5 epochs" in done.err


# -- moved data ------------------------------------------------------------------------------------


def test_a_run_is_told_where_its_data_are(minidl, write, tmp_path):
    (tmp_path / "old").mkdir()
    write_table(tmp_path / "old/t.csv")
    path = write("old/small.toml", data=TABLE, model=MODEL)
    assert minidl("run", path, "--no-figures", "--output", "run").status == 0
    (tmp_path / "old").rename(tmp_path / "new")
    lost = minidl("run", "--resume", "run", "--set", "epochs=5")
    assert lost.status == 1
    assert "minidl run --resume run --set data.path=NEW.csv" in lost.err
    settings = ["--set", "epochs=5", "--set", f"data.path={tmp_path / 'new/t.csv'}"]
    done = minidl("run", "--resume", "run", "--no-figures", *settings)
    assert done.status == 0, done.err
    assert result_of(tmp_path / "run")["configuration"]["data"]["path"].endswith("new/t.csv")

    write_table(tmp_path / "other.csv", rows=61)
    other = ["--set", "epochs=6", "--set", f"data.path={tmp_path / 'other.csv'}"]
    done = minidl("run", "--resume", "run", *other)
    assert done.status == 1
    assert "the data has changed since the run began" in done.err


# -- fine-tuning -----------------------------------------------------------------------------------


@pytest.mark.parametrize("restarts", [1, 2])
def test_frozen_layers_keep_the_earlier_weights(minidl, write, tmp_path, restarts):
    write_table(tmp_path / "t.csv")
    assert (
        minidl("run", write(data=TABLE, model=MODEL), "--no-figures", "--output", "a").status == 0
    )
    path = write(data=TABLE, model=MODEL, weights='"a"', frozen='["0"]', restarts=str(restarts))
    done = minidl("run", path, "--no-figures", "--output", "b", "--set", "seed=9")
    assert done.status == 0, done.err
    before, after = weights_of(tmp_path / "a"), weights_of(tmp_path / "b")
    assert torch.equal(before["0.weight"], after["0.weight"])
    assert not torch.equal(before["2.weight"], after["2.weight"])
    result = result_of(tmp_path / "b")
    assert result["origin"]["run"] == result_of(tmp_path / "a")["run"]
    assert not [warning for warning in result["warnings"] if "zero gradient" in warning]


def test_fine_tuning_keeps_the_earlier_transformation(minidl, write, tmp_path):
    """With every weight as it was, predictions for a row are those of the earlier run."""
    write_table(tmp_path / "t.csv")
    assert (
        minidl("run", write(data=TABLE, model=MODEL), "--no-figures", "--output", "a").status == 0
    )
    write_table(tmp_path / "t.csv", rows=80, shift=5.0)
    path = write(
        data=TABLE, model=MODEL, weights='"a"', optimizer='{ SGD = { lr = 1e-30 } }',
        dtype='"float64"',
    )  # fmt: skip
    done = minidl("run", path, "--no-figures", "--output", "b")
    assert done.status == 0, done.err
    a, b = load_run(tmp_path / "a"), load_run(tmp_path / "b")
    assert a.transform.columns == b.transform.columns
    rows = [{"a": 0.3, "b": 0.8}, {"a": 5.5, "b": 0.1}]
    assert a.predict(rows).values == pytest.approx(b.predict(rows).values, rel=1e-5)
    errors = result_of(tmp_path / "b")["final"]
    assert errors["train_error"] > 1.3, "the shifted inputs look different to the old weights"


def write_words(path, colours, months, rows=60):
    lines = [
        f"{n % 9},{colours[n % len(colours)]},2024-{months[n % len(months)]:02}-11,{'yn'[n % 2]}"
        for n in range(rows)
    ]
    path.write_text("\n".join(["a,colour,day,label", *lines]) + "\n")


def test_fine_tuning_encodes_words_and_dates_as_earlier(minidl, write, tmp_path):
    """Other words, another range of dates, and no gap where there was one: the same inputs."""
    data = '{ name = "csv", path = "t.csv", target = "label", task = "classification" }'
    model = '[{ Linear = { in_features = "features", out_features = "outputs" } }]'
    write_words(tmp_path / "t.csv", ["red", "blue", ""], range(1, 13))
    assert minidl("run", write(data=data, model=model), "--no-figures", "--output", "a").status == 0
    write_words(tmp_path / "t.csv", ["blue", "green"], [3, 4])
    done = minidl(
        "run", write(data=data, model=model, weights='"a"'), "--no-figures", "--output", "b"
    )
    assert done.status == 0, done.err
    a, b = load_run(tmp_path / "a"), load_run(tmp_path / "b")
    assert a.transform.columns == b.transform.columns
    told = result_of(tmp_path / "b")["data"]["notes"]["told"]
    assert any("encoded as in" in each for each in told)
    assert any('"green"' in each for each in told), told
    rows = [{"a": 3, "colour": "red", "day": "2024-07-01"}]
    assert {*a.predict(rows).values, *b.predict(rows).values} <= {"y", "n"}


def test_other_columns_are_refused_by_fine_tuning(minidl, write, tmp_path):
    data = '{ name = "csv", path = "t.csv", target = "label", task = "classification" }'
    model = '[{ Linear = { in_features = "features", out_features = "outputs" } }]'
    write_words(tmp_path / "t.csv", ["red", "blue"], range(1, 13))
    assert minidl("run", write(data=data, model=model), "--no-figures", "--output", "a").status == 0
    text = (tmp_path / "t.csv").read_text().replace("colour", "paint")
    (tmp_path / "t.csv").write_text(text)
    done = minidl("run", write(data=data, model=model, weights='"a"'), "--dry-run")
    assert done.status == 2
    assert "the inputs are not those of" in done.err
    assert "paint" in done.err


def test_a_new_head_keeps_its_own_weights(minidl, write, tmp_path):
    assert minidl("run", write(), "--no-figures", "--output", "a").status == 0
    larger = '[{ Linear = [2, 4] }, "Tanh", { Linear = [4, 3] }, "Tanh", { Linear = [3, 2] }]'
    done = minidl("run", write(model=larger, weights='"a"'), "--dry-run")
    assert done.status == 2
    assert 'leave_out = ["2"]' in done.err
    path = write(
        model=larger,
        weights='{ run = "a", leave_out = ["2", "4"] }',
        optimizer="{ SGD = { lr = 1e-30 } }",
    )
    assert minidl("run", path, "--no-figures", "--output", "b").status == 0
    before, after = weights_of(tmp_path / "a"), weights_of(tmp_path / "b")
    assert torch.equal(before["0.weight"], after["0.weight"])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ({"weights": '"none"'}, "weights: "),
        ({"weights": "3"}, "weights: expected the folder of a run, got 3"),
        ({"weights": '{ run = "a", leaveout = [] }'}, 'Did you mean "leave_out"'),
        ({"frozen": '["7"]'}, 'frozen: there is no layer "7". Layers with parameters: 0, 2'),
        ({"frozen": '["0", "2"]'}, "every parameter would be frozen"),
        ({"frozen": "0"}, "frozen: expected a list of layers"),
    ],
)
def test_wrong_beginnings_are_refused(minidl, write, lines, said):
    done = minidl("run", write(**lines), "--dry-run")
    assert done.status == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_changed_first_weights_are_refused_on_resume(minidl, write, tmp_path, monkeypatch):
    from minidl_plugins_experiments.training.run import Run

    assert minidl("run", write(), "--no-figures", "--output", "a").status == 0
    assert minidl("run", write(), "--no-figures", "--output", "c", "--set", "seed=5").status == 0
    with monkeypatch.context() as patch:

        def killed(*_):
            raise KeyboardInterrupt

        patch.setattr(Run, "_train_epoch", killed)
        assert minidl("run", write(weights='"a"'), "--output", "b").status == 130
    shutil.copy(tmp_path / "c/weights.safetensors", tmp_path / "a")
    done = minidl("run", "--resume", "b")
    assert done.status == 1
    assert "the weights that the run began with have changed" in done.err
