"""What is in the wheels, and that the installed ones work without the checkout."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from .packages import PACKAGES


@pytest.fixture(params=PACKAGES)
def package(request):
    return request.param


def names_in_wheel(dist, package):
    (wheel,) = dist.glob(f"{package}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_a_wheel_has_the_package_its_types_and_its_licence_and_no_tests(dist, package):
    names = names_in_wheel(dist, package)
    assert f"{package}/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {package}
    tests = [n for n in names if Path(n).name.startswith(("test_", "conftest"))]
    assert [name for name in tests if "/template/" not in name] == []


def test_a_source_distribution_builds_what_the_tree_has(dist, package):
    (sdist,) = dist.glob(f"{package}-*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/src/")[2] for name in archive.getnames()}
    assert {n for n in names_in_wheel(dist, package) if n.endswith(".py")} <= inside


def test_what_runs_is_the_installed_wheel_and_not_the_checkout(dist, package):
    file = Path(__import__(package).__file__)
    assert file.is_relative_to(sys.prefix)


@pytest.mark.parametrize("command", [["minidl"], [sys.executable, "-m", "minidl_core"]])
def test_the_command_lists_what_each_wheel_brings(dist, command):
    if command == ["minidl"]:
        command = [str(Path(sys.executable).with_name("minidl"))]
    out = subprocess.run([*command, "list"], capture_output=True, text=True, check=True).stdout
    listed = {tuple(line.split()[:3]) for line in out.splitlines()}
    assert listed >= {
        ("commands", "check", "minidl-plugins-devkit"),
        ("commands", "run", "minidl-plugins-experiments"),
        ("datasets", "disk", "minidl-plugins-experiments"),
        ("engines", "eager", "minidl-core"),
        ("engines", "replay", "minidl-plugins-engines"),
        ("modules", "Linear", "minidl-plugins-basic"),
        ("modules", "Conv2d", "minidl-plugins-nn"),
        ("optimizers", "DataParallel", "minidl-plugins-distributed"),
    }
    assert {provider.replace("-", "_") for _, _, provider in listed} == set(PACKAGES)
