"""Bad inputs of every public function and command: one sentence each, and the right exit status."""

from __future__ import annotations

import importlib

import pytest

from minidl_core import MinidlError, registry
from minidl_core.command import main

from .bad_calls import CALLS

DISTRIBUTIONS = [
    "minidl_core",
    *(f"minidl_plugins_{name}" for name in ("basic", "devkit", "distributed", "engines")),
    *(f"minidl_plugins_{name}" for name in ("experiments", "inspect", "nn")),
]
# tests/plugins_nn/test_strange_tensors.py gives bad inputs to every component.
COMPONENTS = {
    each.name for kind in ("modules", "losses", "optimizers") for each in registry.components(kind)
} | {"TorchSGD"}
# Names that take no arguments of a user.
NOT_CALLED = {
    # protocols and base classes: their methods are the author's
    "Command", "Engine", "Loss", "Module", "Optimizer", "ClassLoss", "Elementwise", "Schedule",
    "Strategy", "StepFunction", "Dataset",
    # what functions return, and tuples that hold what they are given
    "Component", "Distribution", "Example", "Step", "Case", "Check", "CheckResult", "Pass",
    "Subject", "Trial", "Call", "Layer", "Summary", "Watched", "NotebookFigure", "LoadedRun",
    "Predictions", "Prepared", "Run", "TrainingState", "Data", "Split", "Transform", "Experiment",
    "CHECKS",
    # parts for authors of plugins and engines, whose arguments come from code
    "Hooks", "Registry", "canonical", "children", "describe_error", "hookimpl", "hookspec",
    "lazy_names", "locate", "printable", "suggest", "walk", "model_and_loss", "must_agree",
    "same_bits", "buffers_and_generators", "fingerprint", "state_digest",
    # they answer for anything: that it is not traced, has no checks, or has no picture
    "explain", "checks_of", "html_of",
}  # fmt: skip

REFUSED = {  # command line: exit status
    "nosuch": 1, "lisd": 1, "list moduls": 1, "list --nosuch": 2, "plugins extra": 2,
    "plugins --jso": 2, "--disable": 2, "describe": 2, "describe Relo": 1,
    "describe nobody/ReLU": 1, "describe ReLU --jso": 2, "check": 2, "check Relo": 1,
    "check ReLU --seed x": 2, "check nofile.py:Linear": 1, "check ReLU --jso": 2,
    "doctor --seconds x": 2, "doctor --seconds -1": 2, "doctor extra": 2, "doctor --jso": 2,
    "new": 2, "new acme-x --kind nosuch": 2, "export": 2,
    "export nowhere --to onnx --output x": 1, "export nowhere --to pickle --output x": 2,
    "export nowhere --to torch": 2, "grade": 2, "grade nowhere.toml": 2,
    "grade nowhere.toml a.py": 1, "grade a.toml a.py --processes 0": 2,
    "grade a.toml a.py --csv": 2,
    "grade a.toml a.py --junit": 2, "grade a.toml a.py --feedback": 2, "grade a.toml a.py --jso": 2,
    "report": 2, "report nowhere": 1, "report nowhere --output": 2, "report nowhere --quie": 2,
    "run": 2, "run nowhere.toml": 2, "run disk --set": 2, "run disk --set novalue": 2,
    "run disk --set no.such=1 --dry-run": 2, "run disk --seeds 0": 2, "run disk --seeds x": 2,
    "run disk --sweep x --dry-run": 2, "run disk --engine nosuch --dry-run": 2,
    "run --resume nowhere": 1, "run disk --checkpoint-every x": 2,
    "run disk --output /dev/null --dry-run": 2, "run disk --json-lines /nowhere/x --dry-run": 2,
    "run disk --figures=x": 2, "run disk --quie": 2, "run disk --dry-ru": 2, "compare": 2,
    "compare nowhere": 1, "compare nowhere --format pdf": 2, "compare nowhere --figure": 2,
    "compare nowhere --group": 2, "compare nowhere --no-figures": 2, "predict": 2,
    "predict nowhere": 2, "predict nowhere nowhere.csv": 1, "predict nowhere x --output": 2,
    "predict nowhere x --device": 2,
}  # fmt: skip

OURS = [c for c in registry.components("commands") if c.distribution.name.startswith("minidl-")]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIDL_CACHE", str(tmp_path))


@pytest.mark.filterwarnings("ignore::minidl_plugins_engines.CompilerWarning")
@pytest.mark.parametrize(
    "call",
    [pytest.param(each, id=f"{name}-{i}") for name in CALLS for i, each in enumerate(CALLS[name])],
)
def test_bad_call_is_one_sentence(call):
    with pytest.raises(MinidlError, match=r"^[^\n]{20,}$"):
        call()


@pytest.mark.parametrize("line", REFUSED)
def test_bad_command_line_is_one_error(line, capsys):
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    out, err = capsys.readouterr()
    assert ended.value.code == REFUSED[line]
    assert out == ""
    assert err.count("Error: ") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize("package", DISTRIBUTIONS)
def test_every_public_name_has_a_bad_input(package):
    module = importlib.import_module(package)
    names = {name for name in module.__all__ if not name.endswith(("Error", "Warning"))}
    tried = {key.rpartition(".")[2] for key in CALLS if key.startswith(f"{package}.")}
    assert tried <= names
    assert names - tried - COMPONENTS - NOT_CALLED == set()


def test_every_command_has_a_bad_line():
    assert {each.name for each in OURS} == {line.split()[0] for line in REFUSED} - {
        "nosuch",
        "lisd",
        "--disable",
    }


def test_every_option_has_a_bad_line():
    lines = " ".join(REFUSED)
    for component in OURS:
        for parameter in component.load().params:
            for option in parameter.opts:
                if option.startswith("--") and option != "--help":
                    assert any(part in lines for part in (option, option[:-1])), option


def test_the_table_is_large_enough():
    assert sum(map(len, CALLS.values())) + len(REFUSED) >= 200
