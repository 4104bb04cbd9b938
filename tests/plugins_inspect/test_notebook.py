"""How minidl's objects look in a notebook."""

from __future__ import annotations

import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from IPython.core.formatters import DisplayFormatter

from minidl_core import Parameter, Registry, Sequential, registry
from minidl_plugins_basic import Linear, ReLU
from minidl_plugins_experiments import load_run
from minidl_plugins_inspect import html_of
from minidl_plugins_inspect.notebook import register

from .conftest import FILE, run_minidl


@pytest.fixture
def shell():
    """What of IPython's shell shows results."""
    return SimpleNamespace(display_formatter=DisplayFormatter())


def shown(shell, thing):
    formats, _ = shell.display_formatter.format(thing, include=["text/html"])
    return formats.get("text/html")


def test_notebooks_show_models_as_tables(shell):
    model = Sequential(Linear(2, 3), ReLU())
    assert shown(shell, model) is None
    register(shell)
    html = shown(shell, model)
    assert "Linear(2 → 3)" in html
    assert "Sequential, 9 parameters" in html


def test_notebooks_show_parameters_with_norms(shell):
    register(shell)
    parameter = Parameter(torch.tensor([3.0, 4.0]), decays=False)
    html = shown(shell, parameter)
    assert "Parameter (2), float32, cpu, not decayed" in html
    assert ">5<" in html


def test_notebooks_show_the_registry(shell):
    register(shell)
    html = shown(shell, registry)
    assert html.count("<tr>") == len(registry.components()) + 1


def test_notebooks_show_runs_with_errors_and_figures(shell, disk_run):
    register(shell)
    html = shown(shell, load_run(disk_run))
    assert "finished, 4 epochs, 3 restarts" in html
    assert "<td" in html
    assert html.count("data:image/png") >= 2


def test_an_empty_registry_and_parameter_are_shown(tmp_path):
    assert "<table>" in html_of(Registry([str(tmp_path)]))
    assert "(0)" in html_of(Parameter(torch.zeros(0)))


def test_names_are_escaped():
    class Odd(Linear):
        def __repr__(self):
            return "<b>odd</b>"

    Odd.__name__ = "<i>Odd</i>"
    assert "<i>" not in html_of(Sequential(Odd(2, 2)))


def test_everything_else_keeps_its_text():
    assert html_of("text") is None


def test_importing_the_package_imports_no_torch():
    code = "import re, sys, minidl_plugins_inspect; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"False\s*", done.stdout)


def test_notebooks_show_a_run_while_it_trains(shell, tmp_path, monkeypatch):
    from minidl_plugins_inspect.snapshots.recorder import Recorder

    register(shell)
    seen = []
    monkeypatch.setattr(Recorder, "take", lambda self, run, epoch: seen.append(shown(shell, run)))
    file = tmp_path / "disk.toml"
    file.write_text(FILE, encoding="utf-8")
    assert run_minidl("run", file, "--output", tmp_path / "run", "--quiet") == 0
    assert [f"{epoch} of 4 epochs" in html for epoch, html in enumerate(seen)] == [True] * 5
    assert "<td" not in seen[0]
    assert "train" in seen[-1]
