"""Looking imports nothing, getting imports one thing, and training looks nowhere."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from minidl_core import Sequential, discovery, distributions, registry, train
from minidl_core.hooks import Hooks
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU


def modules_after(program: str) -> set[str]:
    """What a process has imported when it has run `program`."""
    script = f"{program}\nimport sys; print('\\n', *sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["list"], ["plugins"], ["--help"], ["list", "--json"]])
def test_listing_imports_neither_torch_nor_a_plugin(arguments):
    program = (
        "from contextlib import suppress\nfrom minidl_core.command import main\n"
        f"with suppress(SystemExit): main({arguments})"
    )
    loaded = modules_after(program)
    assert "minidl_core.distributions" in loaded
    assert not loaded & {"torch", "minidl_plugins_basic"}


def test_getting_a_component_imports_no_sibling():
    loaded = modules_after("from minidl_core import registry; registry.get('modules', 'ReLU')")
    siblings = {name for name in loaded if name.startswith("minidl_plugins_basic.")}
    assert siblings == {"minidl_plugins_basic.relu", "minidl_plugins_basic.floating"}


@pytest.mark.parametrize(
    ("kind", "cls"), [("modules", Linear), ("losses", MSELoss), ("optimizers", SGD)]
)
def test_the_registry_gives_the_class_itself(kind, cls):
    assert registry.get(kind, cls.__name__) is cls
    assert registry.get(kind, f"minidl-plugins-basic/{cls.__name__}") is cls


def test_a_training_step_makes_no_metadata_scan_and_no_hook_call(monkeypatch):
    model = Sequential(
        registry.create("modules", "Linear", 2, 3), ReLU(), registry.create("modules", "Tanh")
    )
    optimizer = SGD(model.param(), lr=0.1, momentum=0.9)
    calls = []

    def counted(name):
        return lambda *args, **kwargs: calls.append(name)

    monkeypatch.setattr(discovery, "find_distributions", counted("scan"))
    monkeypatch.setattr(distributions, "_metadata_folders", counted("folders"))
    monkeypatch.setattr(Hooks, "call_each", counted("hook"))
    batch = (torch.ones(4, 2), torch.ones(4, 3))
    assert len(list(train(model, MSELoss(), optimizer, [batch] * 3))) == 3
    assert calls == []
    registry.refresh()
    with pytest.raises(TypeError):
        registry.components()
    registry.refresh()
    assert calls == ["scan"]
