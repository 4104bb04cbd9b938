"""What is wrong in a file is said in one message, before anything is trained or written."""

from __future__ import annotations

import pytest
import torch

# The line to replace (None: leave it out), and what is said, after the name of the file.
CASES = {
    "not TOML": ({"epochs": "= 3"}, "is not TOML: Invalid value (at line 1, column 10); correct"),
    "a key twice": ({"seed": "3\nseed = 4"}, "is not TOML: Cannot overwrite a value (at line 4"),
    "an unknown key": ({"epoch": "3"}, 'epoch: there is no key "epoch". Did you mean "epochs"?'),
    "an unknown key unlike any": ({"zzz": "1"}, 'zzz: there is no key "zzz". There are: data, mo'),
    "no data": ({"data": None}, 'data: the file must say its data; write [data] name = "disk"'),
    "no model": ({"model": None}, "model: the file must say its model; write model = ["),
    "no loss": ({"loss": None}, 'loss: the file must say its loss; write loss = "MSELoss"'),
    "no optimizer": ({"optimizer": None}, "optimizer: the file must say its optimizer"),
    "no epochs": ({"epochs": None}, "epochs: the file must say its epochs; write epochs = 50"),
    "no batch size": ({"batch_size": None}, "batch_size: the file must say its batch_size"),
    "no epoch": ({"epochs": "0"}, "epochs: expected a whole number of at least 1, got 0"),
    "half an epoch": ({"epochs": "1.5"}, "epochs: expected a whole number of at least 1, got 1.5"),
    "epochs in words": ({"epochs": '"many"'}, "epochs: expected a whole number of at least 1, go"),
    "true epochs": ({"epochs": "true"}, "epochs: expected a whole number of at least 1, got true"),
    "a list of epochs": ({"epochs": "[1]"}, "epochs: expected a whole number of at least 1, got a"),
    "a negative seed": ({"seed": "-1"}, "seed: expected a whole number of at least 0, got -1"),
    "a seed too large": ({"seed": "9223372036854775808"}, "seed: expected a whole number below"),
    "no start": ({"restarts": "0"}, "restarts: expected a whole number of at least 1, got 0"),
    "an empty batch": ({"batch_size": "0"}, "batch_size: expected a whole number of at least 1"),
    "a batch too large": (
        {"batch_size": "61"},
        "batch_size: a batch of 61 is larger than the training set of 60 rows; write batch_size = ",
    ),
    "a date": ({"seed": "1979-05-27"}, "seed: expected text, a number, true or false, a list or a"),
    "infinity": (
        {"optimizer": '{ name = "SGD", lr = inf }'},
        "optimizer.lr: expected a finite number, got inf",
    ),
    "an unknown dtype": ({"dtype": '"float23"'}, "dtype: expected one of float32, float64, bfloat"),
    "an integer dtype": ({"dtype": '"int64"'}, "dtype: expected one of float32, float64, bfloat16"),
    "an unknown device": ({"device": '"gpu"'}, 'device: the device "gpu" cannot be used here ('),
    "a device that is no text": ({"device": "0"}, "device: expected text, got 0"),
    "selection on the test set": (
        {"select_on": '"test_loss"'},
        "select_on: expected one of train_loss, validation_loss, got 'test_loss'",
    ),
    "selection on what is not there": (
        {"select_on": '"validation_loss"'},
        "select_on: the dataset disk gives no validation set to select on; ask it for one",
    ),
    "an unknown dataset": ({"data": '"dsik"'}, 'data: No dataset "dsik". Did you mean "disk"?'),
    "a dataset with an unknown argument": (
        {"data": '{ name = "disk", point = 60 }'},
        'data.point: disk has no argument "point". Did you mean "points"? It takes: points',
    ),
    "a dataset with a wrong argument": (
        {"data": '{ name = "disk", points = 61 }'},
        "data.points: points: expected an even number",
    ),
    "a dataset with an argument of a wrong type": (
        {"data": '{ name = "disk", points = "60" }'},
        "data.points: expected a whole number, got '60'",
    ),
    "a dataset without its file": (
        {"data": '{ name = "csv", path = "nowhere.csv", target = "y" }'},
        "nowhere.csv",
    ),
    "a dataset that lacks arguments": ({"data": '"csv"'}, "data: csv needs path, target; add path"),
    "a generator of the user's own": (
        {"data": '{ name = "disk", generator = 3 }'},
        "data.generator: a file cannot set generator: the run gives it one",
    ),
    "data that is a number": ({"data": "3"}, "data: expected a name or a table with a name, got 3"),
    "data without a name": (
        {"data": "{ points = 60 }"},
        'data: expected a key "name", got a table',
    ),
    "a name that is a number": ({"loss": "{ name = 3 }"}, "loss.name: expected the name of a comp"),
    "an unknown module": (
        {"model": '[{ Linear = [2, 2] }, "Relu"]'},
        'model[1]: No module "Relu". Did you mean "ReLU"?',
    ),
    "a loss among the modules": (
        {"model": '["MSELoss"]'},
        'model[0]: No module "MSELoss", but there is one of the losses',
    ),
    "an unknown argument of a module": (
        {"model": "[{ Linear = { in_feature = 2, out_features = 2 } }]"},
        'model[0].Linear.in_feature: Linear has no argument "in_feature". Did you mean "in_featu',
    ),
    "a missing argument of a module": (
        {"model": "[{ Linear = { in_features = 2 } }]"},
        "model[0].Linear: Linear needs out_features; add out_features = ...",
    ),
    "a module without any argument": (
        {"model": '["Linear"]'},
        "model[0]: Linear needs in_features, out_features; add in_features = ...",
    ),
    "an argument for a module that takes none": (
        {"model": "[{ Linear = [2, 2] }, { ReLU = { slope = 1 } }]"},
        'model[1].ReLU.slope: ReLU has no argument "slope". It takes: none',
    ),
    "too many arguments in order": (
        {"model": "[{ Linear = [2, 2, true, 1] }]"},
        "model[0].Linear: Linear takes 3 arguments in order (in_features, out_features, bias), got",
    ),
    "a size in quotes": (
        {"model": '[{ Linear = { in_features = "2", out_features = 2 } }]'},
        "model[0].Linear.in_features: expected a whole number, got '2'",
    ),
    "a bias that is a number": (
        {"model": "[{ Linear = { in_features = 2, out_features = 2, bias = 1 } }]"},
        "model[0].Linear.bias: expected true or false, got 1",
    ),
    "an unknown choice": (
        {"model": '[{ Linear = { in_features = 2, out_features = 2, init = "gloro" } }]'},
        "model[0].Linear.init: expected one of 'glorot', 'report', got 'gloro'",
    ),
    "a size of zero": (
        {"model": "[{ Linear = { in_features = 0, out_features = 2 } }]"},
        "model[0].Linear.in_features: Linear: in_features must be a whole number of at least 1",
    ),
    "a module's dtype": (
        {"model": '[{ Linear = { in_features = 2, out_features = 2, dtype = "float64" } }]'},
        "model[0].Linear.dtype: a file cannot set dtype: choose it for the whole run",
    ),
    "an empty model": ({"model": "[]"}, "model: expected at least one module, got an empty list"),
    "a model that is a number": ({"model": "3"}, "model: expected the name of a module, a table"),
    "a number among the modules": (
        {"model": "[3]"},
        "model[0]: expected the name of a module, a t",
    ),
    "two names in one table": (
        {"model": "[{ Linear = [2, 2], ReLU = {} }]"},
        "model[0]: expected a table of one name and its arguments, got a table of Linear, ReLU",
    ),
    "arguments that are a number": (
        {"model": "[{ Linear = 2 }]"},
        "model[0].Linear: expected a table of arguments, or a list of them in order, got 2",
    ),
    "a model that cannot learn": (
        {"model": '["ReLU"]'},
        "model: expected a model that can learn, got one without parameters",
    ),
    "a layer that does not fit the data": (
        {"model": "[{ Linear = [3, 2] }]"},
        "model[0].Linear: forward of a sample: Linear(3 → 2): expected an input of shape (batch",
    ),
    "a layer deep inside that does not fit": (
        {"model": '[["Tanh", { Linear = [2, 5] }], [["ReLU"], { Linear = [4, 2] }]]'},
        "model[1][1].Linear: forward of a sample: Linear(4 → 2): expected an input of shape",
    ),
    "an output that does not fit the data": (
        {"model": "[{ Linear = [2, 3] }]"},
        "model: MSELoss: prediction (2, 3) and target (2, 2) must have the same shape",
    ),
    "an inner module of an inner module": (
        {"model": "[{ Residual = { inner = [{ Linear = [2, 3] }] } }, { Linear = [2, 2] }]"},
        "model[0].Residual: forward of a sample: Residual[inner]: expected an inner module that",
    ),
    "an unknown inner module": (
        {"model": '[{ Residual = { inner = ["Relu"] } }, { Linear = [2, 2] }]'},
        'model[0].Residual.inner[0]: No module "Relu". Did you mean "ReLU"?',
    ),
    "an unknown loss": ({"loss": '"MSLoss"'}, 'loss: No loss "MSLoss". Did you mean "MSELoss"?'),
    "an argument for a loss that takes none": (
        {"loss": "{ MSELoss = { mean = true } }"},
        'loss.MSELoss.mean: MSELoss has no argument "mean". It takes: reduction',
    ),
    "an unknown optimizer": (
        {"optimizer": '{ name = "SDG", lr = 0.1 }'},
        'optimizer: No optimizer "SDG". Did you mean "SGD"?',
    ),
    "an optimizer without its rate": ({"optimizer": '"SGD"'}, "optimizer: SGD needs lr; add lr ="),
    "a negative rate": (
        {"optimizer": '{ name = "SGD", lr = -0.1 }'},
        "optimizer.lr: SGD: lr must be a finite number of at least 0, got -0.1",
    ),
    "a rate in quotes": (
        {"optimizer": '{ name = "SGD", lr = "0.1" }'},
        "optimizer.lr: expected a number, got '0.1'",
    ),
    "an argument that this optimizer lacks": (
        {"optimizer": '{ name = "Adam", momentum = 0.9 }'},
        'optimizer.momentum: Adam has no argument "momentum". It takes: lr, betas, eps',
    ),
    "an optional argument misspelt": (
        {"optimizer": '{ name = "SGD", lr = 0.1, optional = { momentun = 0.9 } }'},
        'optimizer.optional.momentun: SGD has no argument "momentun". Did you mean "momentum"?',
    ),
    "optional arguments that are no table": (
        {"optimizer": '{ name = "SGD", lr = 0.1, optional = 0.9 }'},
        "optimizer.optional: expected a table of arguments, got 0.9",
    ),
    "an unknown schedule": (
        {"schedule": '"lineal"'},
        'schedule: No schedule "lineal". Did you mean "linear"?',
    ),
    "a schedule without its argument": ({"schedule": '"step"'}, "schedule: step needs every; add"),
    "a schedule beyond its range": (
        {"schedule": "{ linear = { final = -1 } }"},
        "schedule.linear.final: LinearSchedule: final must be a finite number that is at least 0",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_said_with_its_place(minidl, write, tmp_path, name):
    lines, said = CASES[name]
    path = write(**lines)
    done = minidl("run", path, "--output", tmp_path / "run")
    assert done.status == 2, done
    assert done.err.startswith(f"Error: {path}: ")
    assert said in done.err
    if said != "nowhere.csv":
        assert done.err.startswith(f"Error: {path}: {said}")
    assert "Traceback" not in done.err
    assert done.err.count("\n") == 1, "one message"
    assert done.out == ""
    assert list(tmp_path.iterdir()) == [path], "nothing is written"


def test_there_are_enough_of_them():
    assert len(CASES) >= 40


def test_the_small_experiment_itself_is_right(minidl, write):
    assert minidl("run", write(), "--no-figures").status == 0


# -- what is wrong beside the file -----------------------------------------------------------------


def test_a_file_that_is_not_there(minidl):
    done = minidl("run", "dsik")
    assert done.status == 2
    assert done.err == (
        'Error: dsik: there is no such file. Did you mean "disk"? Give the path of a TOML file, or '
        "the name of a bundled experiment: digits, disk\n"
    )


def test_a_folder_and_the_folder_of_a_run(minidl, write, tmp_path):
    (tmp_path / "folder").mkdir()
    done = minidl("run", "folder")
    assert done.status == 2
    assert "folder: is a folder, not a file." in done.err
    assert minidl("run", write(), "--no-figures", "--output", "run").status == 0
    assert "resume it with minidl run --resume run" in minidl("run", "run").err


def test_bytes_that_are_no_text(minidl, tmp_path):
    (tmp_path / "bytes.toml").write_bytes(b"epochs = 3\n\xff\n")
    done = minidl("run", "bytes.toml")
    assert done.status == 2
    assert "bytes.toml: is not text in UTF-8 (byte 11); save it in that encoding" in done.err


def test_a_file_nested_beyond_reason(minidl, tmp_path, write):
    write(model="[" * 3000 + "]" * 3000)
    done = minidl("run", "small.toml")
    assert done.status == 2
    assert "nested too deep" in done.err
    write(model="[" * 200 + "{ Linear = [2, 2] }" + "]" * 200)
    assert minidl("run", "small.toml", "--no-figures").status == 0


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            "epochs",
            "--set: expected KEY=VALUE, such as epochs=40 or optimizer.lr=0.05, got 'epochs'",
        ),
        ("=3", "--set: expected KEY=VALUE"),
        ("a..b=3", "--set: expected KEY=VALUE"),
        ("epochs=", "--set epochs: expected a value as TOML writes it"),
        ("epochs=[", "--set epochs: expected a value as TOML writes it"),
        ("epochs=1\nseed=2", "--set epochs: expected a value as TOML writes it"),
        (
            "model[7]=3",
            "--set model[7]: the file has no such place: expected a place 7, got a list",
        ),
        ("epochs.x=3", '--set epochs.x: the file has no such place: expected a key "x", got 3'),
        ("epoch=3", 'epoch: there is no key "epoch". Did you mean "epochs"?'),
        ("optimizer.rl=3", 'optimizer.rl: SGD has no argument "rl". Did you mean "lr"?'),
    ],
)
def test_a_setting_that_cannot_be_understood(minidl, write, setting, said):
    path = write()
    done = minidl("run", path, "--set", setting)
    assert done.status == 2
    assert f"{path}: {said}" in done.err


@pytest.mark.parametrize("output", ["there", "there/file", "file", "file/below"])
def test_an_output_that_is_taken(minidl, write, tmp_path, output):
    (tmp_path / "there").mkdir()
    (tmp_path / "there/file").touch()
    (tmp_path / "file").touch()
    done = minidl("run", write(), "--output", output)
    assert done.status == 2
    assert ": --output: " in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "small.toml", "there"]


def test_an_output_that_may_not_be_written(minidl, write, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    done = minidl("run", write(), "--output", "new/run")
    assert done.status == 2
    assert "may not be written to; name another place" in done.err


def test_arguments_that_do_not_go_together(minidl, write):
    assert minidl("run").status == 2
    assert minidl("run", write(), "--resume", "run").status == 2
    assert minidl("run", "--resume", "run", "--seeds", "3").status == 2
    assert "--json-lines" in minidl("run", write(), "--json-lines", "no/folder/file").err


# -- what a dataset gives --------------------------------------------------------------------------


def good_data():
    x, y = torch.ones(6, 2), torch.ones(6, 2)

    class Split:
        def __init__(self):
            self.x, self.y = x.clone(), y.clone()

    class Data:
        train, test, task = Split(), Split(), "classification"

    return Data


def without(name):
    def spoil(data):
        delattr(data, name)

    return spoil


def put(place, value):
    def spoil(data):
        split, name = place
        setattr(getattr(data, split), name, value)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: None, ""),
        (without("test"), "must give something with train, test and task, got type without test"),
        (lambda data: setattr(data, "task", "sorting"), "one of the tasks classification, regr"),
        (put(("train", "x"), [1, 2]), "the training set must have the tensors x and y"),
        (
            put(("train", "x"), torch.ones(6)),
            "differ in their inputs: a row is one float32 and 2 float32",
        ),
        (
            put(("test", "y"), torch.ones(5, 2)),
            "the test set must be x (n, …) and y (n, …) with a target for each input",
        ),
        (put(("train", "x"), torch.ones(6, 0)), "the training set is empty: x (6, 0), y (6, 2)"),
        (
            put(("train", "x"), torch.tensor([[1.0, 2.0]] * 4 + [[1.0, float("nan")]] * 2)),
            "the training set has NaN or infinite inputs in 2 of 6 rows, first in row 4",
        ),
        (
            put(("test", "y"), torch.full((6, 2), float("inf"))),
            "the test set has NaN or infinite targets in 6 of 6 rows, first in row 0",
        ),
        (
            put(("test", "x"), torch.ones(6, 3)),
            "differ in their inputs: a row is 2 float32 and 3 float32",
        ),
    ],
)
def test_a_strangers_dataset_is_looked_at(minidl, write, monkeypatch, spoil, said):
    data = good_data()
    spoil(data)
    monkeypatch.setattr(
        "minidl_plugins_experiments.data.datasets.disk.disk",
        lambda *, generator, dtype: data,
    )
    done = minidl("run", write(data='"disk"', batch_size="5"), "--no-figures")
    assert done.status == (2 if said else 0), done.err
    assert said in done.err


def test_a_dataset_that_raises_whatever_it_likes(minidl, write, monkeypatch):
    def dataset(*, generator, dtype):
        raise KeyError("lost")

    monkeypatch.setattr("minidl_plugins_experiments.data.datasets.disk.disk", dataset)
    done = minidl("run", write(data='"disk"'))
    assert done.status == 2
    assert "data: disk could not be built: it raised KeyError: 'lost'; check" in done.err
