"""The metadata and descriptions of the distributions agree, and name nothing that is not there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    pytest.skip("tomllib came with Python 3.11", allow_module_level=True)

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://github.com/minidl/minidl"
# What a distribution has of its own; all other fields of [project] must be in every one.
OWN = {"dependencies", "dynamic", "entry-points", "optional-dependencies", "scripts", "version"}
ALIKE = ["readme", "license", "license-files", "authors", "requires-python", "urls"]


def table_of(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


FOLDERS = sorted(path.parent for path in ROOT.glob("minidl_*/pyproject.toml"))
CORE = table_of(ROOT / "minidl_core")["project"]


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


@pytest.fixture
def project(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = table_of(folder)["project"]
    return found


def version_of(folder: Path) -> str:
    table = table_of(folder)
    if "version" in table["project"]:
        return str(table["project"]["version"])
    text = (folder / table["tool"]["hatch"]["version"]["path"]).read_text(encoding="utf-8")
    return re.findall(r'__version__ = "(.*)"', text)[0]


def test_every_distribution_has_the_same_fields(project: dict[str, Any]) -> None:
    assert project.keys() - OWN == CORE.keys() - OWN
    assert {field: project[field] for field in ALIKE} == {field: CORE[field] for field in ALIKE}
    assert 20 < len(project["description"]) < 100
    assert "backpropagation" in project["keywords"]
    assert project["keywords"] == sorted(project["keywords"], key=str.lower)


def test_classifiers_agree_and_state_no_license(project: dict[str, Any]) -> None:
    found = set(project["classifiers"])
    assert found >= set(CORE["classifiers"])
    assert "Typing :: Typed" in found
    assert not [line for line in found if line.startswith("License ::")]  # `license` says it


def test_classifiers_name_the_interpreters_of_tox() -> None:
    named = re.findall(r":: 3\.(\d+)", "\n".join(CORE["classifiers"]))
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    (run,) = re.findall(r"^\[testenv:core-py3\{(.*)\}\]$", tox, re.MULTILINE)
    assert named == run.split(",")
    assert CORE["requires-python"] == f">=3.{named[0]}"


def test_urls_are_in_the_repository() -> None:
    for url in CORE["urls"].values():
        assert url.startswith((REPOSITORY, "https://minidl.github.io/minidl/"))


def test_every_license_file_is_the_same(folder: Path) -> None:
    license_ = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert (folder / "LICENSE").read_text(encoding="utf-8") == license_


def test_every_distribution_has_one_version() -> None:
    assert len({version_of(folder) for folder in FOLDERS}) == 1


def test_ranges_of_our_own_fit_one_another(project: dict[str, Any]) -> None:
    extras = project.get("optional-dependencies", {}).values()
    for line in [*project["dependencies"], *(line for lines in extras for line in lines)]:
        requirement = Requirement(line)
        if requirement.name.startswith("minidl-"):
            version = version_of(ROOT / requirement.name.replace("-", "_"))
            major, minor = map(int, version.split(".")[:2])
            assert set(str(requirement.specifier).split(",")) == {
                f">={major}.{minor}",
                f"<{major}.{minor + 1}",
            }


# -- the descriptions --------------------------------------------------------------------------


def parts_of(readme: Path) -> tuple[str, str, str]:
    """The title, the first paragraph, and the last chapter."""
    text = readme.read_text(encoding="utf-8")
    title, first, _ = text.split("\n\n", 2)
    return title, first, text.partition("\n## More\n")[2]


def test_descriptions_begin_and_end_alike(folder: Path, project: dict[str, Any]) -> None:
    title, first, last = parts_of(folder / "README.md")
    assert title == f"# {project['name']}"
    assert (first, last) == parts_of(ROOT / "minidl_core" / "README.md")[1:]
    assert last.endswith("MIT licensed.\n")


def test_links_of_descriptions_work_on_an_index(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((.*?)\)", text)
    assert len(links) >= 5
    for link in links:
        assert link.startswith("https://")
        if link.startswith(f"{REPOSITORY}/blob/main/"):
            assert (ROOT / link.removeprefix(f"{REPOSITORY}/blob/main/")).is_file(), link
