"""The examples as modules and as programs, found by path: they are scripts, not a package."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from .environments import Environment
from .wheelhouse import fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

EXAMPLES = Path(__file__).parents[2] / "examples"


class RunExample(Protocol):
    """What the fixture `run_example` gives."""

    def __call__(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture(scope="session")
def disk() -> ModuleType:
    """The module ``examples/disk.py``."""
    return _example("disk")


@pytest.fixture(scope="session")
def gpt() -> ModuleType:
    """The module ``examples/gpt.py``."""
    return _example("gpt")


def _example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for their annotations
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run_example(tmp_path: Path) -> RunExample:
    """Run a script as a user does, from a folder of its own; warnings are errors."""

    def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", str(EXAMPLES / script), *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel of ours and of all that they need."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    fill(folder)
    return folder


@pytest.fixture(scope="session")
def environment_of_all(tmp_path_factory: pytest.TempPathFactory, wheelhouse: Path) -> Environment:
    """One virtual environment for all tests, with the wheels of core and the basic plugins."""
    environment = Environment(tmp_path_factory.mktemp("environment"), wheelhouse)
    environment.pip(
        "install", "minidl-core[testing]", "minidl-plugins-basic", "hatchling", "editables"
    )
    return environment


@pytest.fixture
def environment(environment_of_all: Environment) -> Iterator[Environment]:
    """It, and what a test installs there is uninstalled after it."""
    yield from environment_of_all.as_it_was()
