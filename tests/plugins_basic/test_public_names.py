"""What ``import minidl_plugins_basic`` offers, and through which doors."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distribution
from typing import TYPE_CHECKING

import pytest

import minidl_plugins_basic as basic

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from pathlib import Path

POINTS = list(distribution("minidl-plugins-basic").entry_points)


def test_public_names_are_sorted() -> None:
    assert basic.__all__ == sorted(basic.__all__)


@pytest.mark.parametrize("name", basic.__all__)
def test_public_name_is_importable_and_listed(name: str) -> None:
    assert getattr(basic, name).__name__ == name
    assert name in dir(basic)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Relu'"):
        basic.Relu  # noqa: B018


@pytest.mark.parametrize("point", POINTS, ids=[f"{p.group}-{p.name}" for p in POINTS])
def test_entry_point_is_the_public_class(point: EntryPoint) -> None:
    assert point.load() is getattr(basic, point.name)


def test_every_component_has_an_entry_point() -> None:
    registered = {point.name for point in POINTS if point.group.startswith("minidl.")}
    assert registered == set(basic.__all__) - {"StackWarning", "stack", "unstack"}


def test_importing_the_package_does_not_import_torch(tmp_path: Path) -> None:
    program = "import sys, minidl_plugins_basic; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False).returncode == 0
    )
