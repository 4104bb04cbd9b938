"""A trained run is applied to new rows, years later, with nothing but its folder."""

from __future__ import annotations

import csv
import json
import shutil
from io import StringIO

import pandas as pd
import pytest
import torch

from minidl_core import ArgumentError, MinidlError
from minidl_plugins_experiments import load_run, run
from minidl_plugins_experiments.data.findings import Findings
from minidl_plugins_experiments.runs import execute
from minidl_plugins_experiments.runs.prediction import probabilities_of
from minidl_plugins_experiments.training.restarts import find_restart

FLOWERS = "id,length,width,kind\n" + "".join(
    f"f{i},{i / 7:.3f},{(i * i) % 11},{('rose', 'tulip', 'lily')[i % 3]}\n" for i in range(60)
)
PRICES = "area,age,price\n" + "".join(f"{40 + i},{i % 9},{2000 * i + 90_000}\n" for i in range(60))
KIND = {
    "data": '{ name = "csv", path = "flowers.csv", target = "kind", drop = ["id"] }',
    "model": '[{ Linear = [2, 6] }, "Tanh", { Linear = [6, 3] }]',
}
PRICE = {
    "data": '{ name = "csv", path = "prices.csv", target = "price", task = "regression" }',
    "model": '[{ Linear = [2, 6] }, "Tanh", { Linear = [6, 1] }]',
}


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flowers.csv").write_text(FLOWERS)
    (tmp_path / "prices.csv").write_text(PRICES)


@pytest.fixture
def at_the_end(monkeypatch):
    """What was in memory when the run ended: the run, and the selected model."""
    seen = {}
    finish = execute.finish

    def spy(run, result, *, figures):
        result = finish(run, result, figures=figures)
        seen["run"] = run
        seen["model"] = find_restart(run.states, result["restarts"]["selected"] or 0)[0]
        return result

    monkeypatch.setattr(execute, "finish", spy)
    return seen


def rows_of(text):
    return list(csv.DictReader(StringIO(text)))


EXPERIMENTS = {
    "classes": KIND,
    "restarts": {**KIND, "restarts": "3"},
    "quantity": PRICE,
    "bfloat16": {**PRICE, "dtype": '"bfloat16"'},
    "float64": {**KIND, "dtype": '"float64"'},
    "running-means": {
        **KIND,
        "model": '[{ Linear = [2, 6] }, { BatchNorm1d = [6] }, "ReLU", { Linear = [6, 3] }]',
    },
}


@pytest.mark.parametrize("lines", EXPERIMENTS.values(), ids=EXPERIMENTS)
@pytest.mark.usefixtures("tables")
def test_loaded_predictions_equal_those_after_training(lines, write, at_the_end):
    loaded = run(write(**lines), output="run")
    text = PRICES if lines["data"] == PRICE["data"] else FLOWERS
    rows = rows_of(text)
    inputs = loaded.transform.apply(pd.DataFrame(rows), Findings())
    model = at_the_end["model"]
    model.eval()
    expected = model.forward(inputs.to(loaded.dtype))
    assert loaded.predict(rows).outputs.equal(expected)
    assert load_run("run").predict(rows).outputs.equal(expected)


@pytest.mark.parametrize("lines", [KIND, PRICE], ids=["classes", "quantity"])
@pytest.mark.usefixtures("tables")
def test_new_rows_become_the_inputs_of_training(lines, write, at_the_end):
    loaded = run(write(**lines), output="run")
    frame = pd.DataFrame(rows_of(PRICES if lines is PRICE else FLOWERS))
    inputs = loaded.transform.apply(frame, Findings()).to(torch.float32)
    ours = {tuple(row) for row in inputs.tolist()}
    for split in (at_the_end["run"].data.train, at_the_end["run"].data.test):
        assert {tuple(row) for row in split.x.tolist()} <= ours


@pytest.mark.parametrize("name", ["disk", "digits"])
def test_bundled_data_predict_too(name, minidl, tmp_path, at_the_end):
    pytest.importorskip("sklearn")
    loaded = run(name, epochs=1, output=tmp_path / "run")
    data = at_the_end["run"].data
    std, mean = (torch.tensor(data.notes[key]) for key in ("std", "mean"))
    raw = data.test.x[:50] * std + mean
    found = loaded.predict(raw)
    model = at_the_end["model"]
    model.eval()
    torch.testing.assert_close(found.outputs, model.forward(data.test.x[:50]), rtol=1e-4, atol=1e-5)
    assert set(found.values) <= set(data.notes["classes"])
    assert load_run(tmp_path / "run").predict(raw).outputs.equal(found.outputs)


@pytest.mark.usefixtures("tables")
def test_predictions_are_in_labels_and_probabilities(minidl, write, tmp_path):
    assert minidl("run", write(**KIND), "--quiet", "--no-figures", "--output", "r").status == 0
    (tmp_path / "new.csv").write_text("width,length,id,colour\n3,0.5,n1,red\n9,8,n2,blue\n")
    done = minidl("predict", "r", "new.csv")
    assert done.status == 0, done.err
    first, second = rows_of(done.out)
    shares = [name for name in first if name.startswith("probability")]
    assert shares == ["probability of lily", "probability of rose", "probability of tulip"]
    assert (first["id"], second["id"]) == ("n1", "n2")  # left out in training, and kept beside
    for row in (first, second):
        values = {name.removeprefix("probability of "): float(row[name]) for name in shares}
        assert sum(values.values()) == pytest.approx(1)
        assert values[row["kind"]] == max(values.values())
    assert "note: not used, for training had none of that name: colour" in done.err


@pytest.mark.usefixtures("tables")
def test_quantities_are_in_the_unit_of_the_table(minidl, write, tmp_path):
    arguments = ["--quiet", "--no-figures", "--output", "r", "--set", "epochs=60"]
    assert minidl("run", write(**PRICE), *arguments).status == 0
    done = minidl("predict", "r", "prices.csv", "--output", "out.csv")
    assert (done.status, done.out) == (0, "")
    assert "60 predictions are in out.csv" in done.err
    found = [float(row["price"]) for row in rows_of((tmp_path / "out.csv").read_text())]
    true = [float(row["price"]) for row in rows_of(PRICES)]
    assert sum(abs(a - b) for a, b in zip(found, true, strict=True)) / 60 < 10_000


REFUSALS = {
    "missing-column": ("length,id\n1,a\n", "but width is missing", "add or rename"),
    "close-name": ("length,widht\n1,2\n", 'Did you mean "widht"?', "The table has length, widht"),
    "text": ("length,width\n1,2\n3,red\n", 'new.csv, line 3, column "width"', 'got "red"'),
    "two": ("length,width\nx,2\n3,red\n", "2 columns cannot be used", 'line 3, column "width"'),
    "twice": ("length,width,width\n1,2,3\n", 'expected one column "width", got 2', "rename"),
    "no-rows": ("length,width\n", "expected rows", "fill the table"),
}


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.usefixtures("tables")
def test_unusable_rows_are_refused_in_one_message(name, minidl, write, tmp_path):
    minidl("run", write(**KIND), "--quiet", "--no-figures", "--output", "r")
    text, *words = REFUSALS[name]
    (tmp_path / "new.csv").write_text(text)
    done = minidl("predict", "r", "new.csv", "--output", "out.csv")
    assert (done.status, done.out) == (1, "")
    for word in words:
        assert word in done.err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.usefixtures("tables")
def test_values_missing_only_in_new_rows_are_told(write):
    loaded = run(write(**PRICE))
    found = loaded.predict([{"area": 50, "age": None}, {"area": 50, "age": 4}])
    assert '"age": 1 of 2 values are missing' in found.notes[0]
    same = loaded.predict({"area": [50], "age": [loaded.transform.columns[1].mean]})
    assert found.values[0] == pytest.approx(same.values[0])


@pytest.mark.usefixtures("tables")
def test_rows_come_in_many_forms(write):
    loaded = run(write(**PRICE))
    frame = pd.DataFrame({"age": [3, 4], "area": [50.0, 60.0]})
    expected = loaded.predict(frame).outputs
    for rows in (
        [{"area": 50, "age": 3}, {"age": 4, "area": 60}],
        {"area": [50, 60], "age": [3, 4]},
        [[50, 3], [60, 4]],
        torch.tensor([[50.0, 3.0], [60.0, 4.0]]),
    ):
        assert loaded.predict(rows).outputs.equal(expected)
    for rows in (5, [], [[1, 2, 3]], "no.csv", {"area": [1, 2], "age": [1]}):
        with pytest.raises(ArgumentError):
            loaded.predict(rows)


@pytest.mark.usefixtures("tables")
def test_folders_that_cannot_predict_say_why(minidl, write, tmp_path):
    experiment = write(**KIND)
    minidl("run", experiment, "--seeds", "2", "--quiet", "--no-figures", "--output", "series")
    assert "name one of them, such as series/seed-3" in minidl("predict", "series", "x.csv").err
    assert "no such folder" in minidl("predict", "nowhere", "x.csv").err
    shutil.copytree("series/seed-3", "killed")
    (tmp_path / "killed/weights.safetensors").unlink()
    assert "minidl run --resume killed" in minidl("predict", "killed", "x.csv").err
    (tmp_path / "killed/weights.safetensors").write_bytes(b"broken")
    assert "cannot be read" in minidl("predict", "killed", "x.csv").err
    result = json.loads((tmp_path / "series/seed-3/result.json").read_text())
    result["configuration"]["model"][0]["Linear"] = [2, 7]
    (tmp_path / "series/seed-3/result.json").write_text(json.dumps(result))
    with pytest.raises(MinidlError, match="does not fit the model: 0"):
        load_run("series/seed-3")


@pytest.mark.usefixtures("tables")
def test_runs_of_the_first_schema_predict(write, tmp_path):
    expected = run(write(**PRICE), output="r").predict("prices.csv").values
    result = json.loads((tmp_path / "r/result.json").read_text())
    del result["data"]["notes"]["transform"]
    del result["engine"]
    result["starts"] = result.pop("restarts")
    result["configuration"]["starts"] = result["configuration"].pop("restarts")
    result["schema"] = 1
    (tmp_path / "r/result.json").write_text(json.dumps(result))
    assert load_run("r").predict("prices.csv").values == expected


@pytest.mark.usefixtures("tables")
def test_an_experiment_is_run_from_a_dict(tmp_path):
    done = run(
        {
            "data": {"name": "csv", "path": "prices.csv", "target": "price", "task": "regression"},
            "model": [{"Linear": [2, 1]}],
            "loss": "MSELoss",
            "optimizer": {"SGD": {"lr": 0.1}},
            "epochs": 3,
            "batch_size": 8,
        },
        **{"epochs": 2, "optimizer.lr": 0.05},
    )
    assert done.folder.resolve() == tmp_path / "runs" / "experiment-1"
    assert done.configuration["epochs"] == 2
    assert done.configuration["optimizer"] == {"name": "SGD", "lr": 0.05}
    assert len(done.result["epochs"]) == 2
    with pytest.raises(MinidlError, match='there is no key "epoch"'):
        run("disk", epoch=3)


def test_probabilities_follow_the_loss():
    outputs = torch.tensor([[0.5, -1.0, 1.5], [0.0, 0.0, 0.0], [-1.0, -2.0, -3.0]])
    assert probabilities_of(outputs, "CrossEntropyLoss").equal(outputs.double().softmax(1))
    squares = probabilities_of(outputs, "MSELoss")
    assert squares[0].tolist() == [0.25, 0.0, 0.75]
    assert squares[1:].tolist() == [[pytest.approx(1 / 3)] * 3] * 2
    one = probabilities_of(torch.tensor([[2.0]]), "BCEWithLogitsLoss")
    assert one[0].tolist() == pytest.approx([0.1192029, 0.8807971])
    assert probabilities_of(outputs, "MultiMarginLoss") is None
