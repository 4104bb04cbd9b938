"""What ``import minidl_core`` offers, and what it does not import."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import distributions
from typing import TYPE_CHECKING

import pytest

import minidl_core
from minidl_core import errors

if TYPE_CHECKING:
    from pathlib import Path


def modules_after(statement: str, folder: Path) -> set[str]:
    """The modules that a fresh interpreter has imported after `statement`."""
    program = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,  # not in the checkout, whose folders could pass for packages
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))


def foreign_modules() -> set[str]:
    """The tensor library, and the module of every installed plugin."""
    points = [point for one in distributions() for point in one.entry_points]
    ours = [point for point in points if point.group.split(".")[0] == "minidl"]
    packages = {point.module.split(".")[0] for point in ours} - {"minidl_core"}
    return {"torch", "numpy", *packages}


def test_public_names_are_sorted() -> None:
    assert minidl_core.__all__ == sorted(minidl_core.__all__)
    assert len(set(minidl_core.__all__)) == len(minidl_core.__all__)


@pytest.mark.parametrize("name", minidl_core.__all__)
def test_public_name_is_importable_and_listed(name: str) -> None:
    assert getattr(minidl_core, name) is not None
    assert name in dir(minidl_core)


def test_every_error_is_public() -> None:
    assert set(errors.__all__) <= set(minidl_core.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Sequentail"):
        minidl_core.Sequentail  # noqa: B018


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("import minidl_core", id="import"),
        pytest.param(
            "import minidl_core as m\nfor name in m.__all__: getattr(m, name)", id="every-name"
        ),
    ],
)
def test_imports_no_tensor_library_and_no_plugin(statement: str, tmp_path: Path) -> None:
    modules = modules_after(statement, tmp_path)
    assert "minidl_core" in modules
    assert not modules & foreign_modules()


def test_import_alone_loads_no_dependency(tmp_path: Path) -> None:
    assert not modules_after("import minidl_core", tmp_path) & {"pluggy", "click", "packaging"}
