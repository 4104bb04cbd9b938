"""Each distribution installs by its name, from the built files alone and without a network."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from .packages import PACKAGES

OFFLINE = ["--isolated", "--no-index", "--disable-pip-version-check", "--quiet"]


def run(*command: object, folder: Path) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=folder, capture_output=True, encoding="utf-8", timeout=300, check=False
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


def pip(*arguments: object, folder: Path) -> str:
    return run(sys.executable, "-m", "pip", *arguments, folder=folder)


def required_by(dist: Path, package: str) -> set[str]:
    """The packages of ours that `package` brings along, itself included."""
    (wheel,) = dist.glob(f"{package}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(name))
    found = {package}
    for line in metadata.get_all("Requires-Dist") or []:
        requirement = Requirement(line)
        other = requirement.name.replace("-", "_")
        if other in PACKAGES and not requirement.marker:
            found |= required_by(dist, other)
    return found


@pytest.fixture(scope="module")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that shows all that is installed here, except what is ours."""
    folder = tmp_path_factory.mktemp("third-party")
    for place in (Path(entry) for entry in sys.path if Path(entry).name == "site-packages"):
        for entry in place.iterdir():
            ours = entry.name.split("-")[0] in PACKAGES
            link = folder / entry.name
            if not (ours or entry.suffix == ".pth" or link.exists()):
                link.symlink_to(entry)
    return folder


@pytest.fixture
def fresh(third_party: Path, tmp_path: Path) -> Path:
    """The scripts of an environment that has third-party packages and nothing of ours."""
    venv.create(tmp_path / "fresh", with_pip=False)
    (site,) = (tmp_path / "fresh").glob("[Ll]ib/**/site-packages")
    (site / "third_party.pth").write_text(f"{third_party}\n", encoding="utf-8")
    return tmp_path / "fresh" / Path(sys.executable).parent.name


@pytest.mark.parametrize("package", PACKAGES)
def test_a_distribution_installs_by_name_with_what_it_needs(
    dist: Path, package: str, fresh: Path, tmp_path: Path
) -> None:
    python = fresh / "python"
    name = package.replace("_", "-")
    pip("--python", python, "install", *OFFLINE, "--find-links", dist, name, folder=tmp_path)
    versions = "from importlib.metadata import distributions as d; print(*{x.name for x in d()})"
    installed = set(run(python, "-c", versions, folder=tmp_path).replace("-", "_").split())
    assert installed & set(PACKAGES) == required_by(dist, package)
    every_name = f"import {package} as p; print(*[getattr(p, name) for name in dir(p)])"
    run(python, "-W", "error", "-c", every_name, folder=tmp_path)
    told = json.loads(run(fresh / "minidl", "list", "--json", folder=tmp_path))
    assert {row["distribution"].replace("-", "_") for row in told} == required_by(dist, package)


def test_experiments_alone_trains_and_predicts(dist: Path, fresh: Path, tmp_path: Path) -> None:
    arguments = [*OFFLINE, "--find-links", dist, "minidl-plugins-experiments"]
    pip("--python", fresh / "python", "install", *arguments, folder=tmp_path)
    options = ["--set", "epochs=1", "--quiet", "--no-figures"]
    run(fresh / "minidl", "run", "disk", *options, folder=tmp_path)
    (tmp_path / "points.csv").write_text("x1,x2\n0.5,0.5\n", encoding="utf-8")
    assert run(fresh / "minidl", "predict", "runs/disk-1", "points.csv", folder=tmp_path)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_source_distribution_builds_offline(dist: Path, package: str, tmp_path: Path) -> None:
    (sdist,) = dist.glob(f"{package}-*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    beside = {name for name in inside if not name.startswith("src/")}
    expected = {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    assert beside - {""} - {".gitignore"} == expected
    flags = ["--no-build-isolation", "--no-deps", "--wheel-dir", tmp_path]
    pip("wheel", *OFFLINE, *flags, sdist, folder=tmp_path)
    (again,) = tmp_path.glob("*.whl")
    (built,) = dist.glob(f"{package}-*.whl")
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(built) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


def test_no_built_file_holds_a_path_of_this_machine(dist: Path) -> None:
    for wheel in dist.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            metadata = archive.read(name).decode("utf-8")
        assert not re.search(r"^Requires-Dist: .*(file:|@)", metadata, re.MULTILINE), wheel.name
