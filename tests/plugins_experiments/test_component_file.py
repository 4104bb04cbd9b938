"""A class or a function in a file is a component of an experiment."""

from __future__ import annotations

import json

import pytest

from minidl_core import MinidlError
from minidl_plugins_experiments import load_run

STUDENT = '''
"""A student's file."""
import torch
from minidl_core import BaseModule
from minidl_plugins_experiments import Data, Split

print("a word of the student's")


class Tanh(BaseModule):
    """y = tanh(x)"""

    def forward(self, x):
        y = x.tanh()
        self.push(y)
        return y

    def backward(self, grad_output):
        y = self.pop()
        return grad_output * (1 - y * y)


class Half:
    """No module: it has no backward."""

    def forward(self, x):
        return x / 2


def ring(rows: int = 200, *, generator):
    x = 2 * torch.rand(rows, 2, generator=generator) - 1
    y = torch.nn.functional.one_hot((x.norm(dim=1) < 0.7).long(), 2).float()
    half = rows // 2
    return Data(Split(x[:half], y[:half]), Split(x[half:], y[half:]), task="classification")
'''
EXPERIMENT = """
data = { "student.py:ring" = { rows = 100 } }
model = [{ Linear = [2, 8] }, "student.py:Tanh", { Linear = [8, 2] }]
loss = "MSELoss"
optimizer = { SGD = { lr = 0.1 } }
epochs = 2
batch_size = 10
baseline = false
"""


@pytest.fixture
def experiment(tmp_path):
    folder = tmp_path / "homework"
    folder.mkdir()
    (folder / "student.py").write_text(STUDENT, encoding="utf-8")
    (folder / "ring.toml").write_text(EXPERIMENT, encoding="utf-8")
    return folder / "ring.toml"


def result_of(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def test_a_run_uses_the_classes_of_a_file(minidl, experiment, tmp_path):
    done = minidl("run", experiment, "--no-figures", "--quiet", "--output", "run")
    assert done.status == 0, done.err
    assert done.out == "run\n"  # what the file prints does not stand in the answer
    found = {each["key"]: each for each in result_of(tmp_path / "run")["components"]}
    assert found["model[1]"]["name"] == "Tanh"
    assert found["model[1]"]["distribution"] == str(experiment.with_name("student.py"))
    assert repr(load_run(tmp_path / "run").model).count("Tanh") == 1


def test_restarts_seeds_and_sweeps_use_them_too(minidl, experiment, tmp_path):
    quick = ["--no-figures", "--quiet", "--output"]
    assert minidl("run", experiment, "--set", "restarts=3", *quick, "three").status == 0
    assert result_of(tmp_path / "three")["restarts"]["stacked"] is True
    assert minidl("run", experiment, "--seeds", "2", *quick, "seeds").status == 0
    assert minidl("run", experiment, "--sweep", "optimizer.lr=0.1,0.2", *quick, "sweep").status == 0


def test_a_run_goes_on_from_another_folder(minidl, experiment, tmp_path, monkeypatch):
    assert minidl("run", experiment, "--no-figures", "--output", "run").status == 0
    run = tmp_path / "run"
    monkeypatch.chdir("/")
    done = minidl("run", "--resume", run, "--set", "epochs=4", "--no-figures")
    assert done.status == 0, done.err
    assert len(result_of(run)["epochs"]) == 4


def test_a_changed_file_is_not_used_for_an_old_run(minidl, experiment, tmp_path):
    assert minidl("run", experiment, "--no-figures", "--output", "run").status == 0
    student = experiment.with_name("student.py")
    student.write_text(STUDENT.replace("1 - y * y", "1 - y"), encoding="utf-8")
    done = minidl("run", "--resume", "run", "--set", "epochs=4", "--no-figures")
    assert done.status != 0
    assert "student.py has changed since the run began" in done.err
    with pytest.raises(MinidlError, match="put the old content back"):
        load_run(tmp_path / "run")
    assert len(result_of(tmp_path / "run")["epochs"]) == 2
    student.write_text(STUDENT, encoding="utf-8")
    assert minidl("run", "--resume", "run", "--set", "epochs=4", "--no-figures").status == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.py:Tanh", "there is no file"),
        ("student.py:Tanx", "has no 'Tanx'. Did you mean \"Tanh\"? It has: Tanh, Half, ring"),
        ("student.py:", "has no ''. It has: Tanh, Half, ring"),
        ("student.py:Half", "is not one of the modules: it lacks"),
        ("student.py:ring", "must be a class, got function"),
        ("broken.py:Tanh", "broken.py cannot be run: ZeroDivisionError"),
        ("leaving.py:Tanh", "leaving.py cannot be run: SystemExit: 3"),
        ("syntax.py:Tanh", "syntax.py cannot be run: SyntaxError"),
        ("binary.py:Tanh", "binary.py cannot be run"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(minidl, experiment, name, message, tmp_path):
    folder = experiment.parent
    (folder / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    (folder / "leaving.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    (folder / "syntax.py").write_text("class Tanh(:\n", encoding="utf-8")
    (folder / "binary.py").write_bytes(b"\x00\xff\x00")
    done = minidl("run", experiment, "--set", f'model=["{name}"]', "--output", "run")
    assert done.status == 2
    assert "model[0]" in done.err
    assert message in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "run").exists()
