"""The page on versions says what the registry does, and what the readers of files read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from minidl_core import __version__
from minidl_core.distributions import Distribution
from minidl_plugins_experiments.config.old_names import RENAMED
from minidl_plugins_experiments.runs.schema import SCHEMA

PAGE = Path(__file__).parents[2].joinpath("docs", "versioning.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("| requirement in the plugin |")[2].splitlines()
    if line.startswith("| `minidl-core")
]
VERSIONS = re.findall(r"\| core (\S+)", PAGE)


def verdict(folder: Path, lines: str, core_version: str) -> str:
    folder.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.4\nName: acme-layers\nVersion: 1.0\n{lines}\n", encoding="utf-8"
    )
    found = Distribution("acme-layers", str(folder), "").incompatibility(core_version)
    return "loaded" if found is None else "incompatible"


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_table_shows_what_discovery_does(row: list[str], tmp_path: Path) -> None:
    requirement, *verdicts = row
    line = f"Requires-Dist: {requirement.strip('`')}"
    assert [verdict(tmp_path, line, version) for version in VERSIONS] == verdicts


def test_the_table_was_found() -> None:
    assert (len(ROWS), len(VERSIONS)) == (5, 4)


@pytest.mark.parametrize(
    "line",
    [
        "Requires-Dist: click",
        "Requires-Dist: minidl-plugins-basic>=9",
        'Requires-Dist: minidl-core>=9; extra == "test"',
    ],
)
def test_other_requirements_are_left_to_pip(line: str, tmp_path: Path) -> None:
    assert verdict(tmp_path, line, "0.1.0") == "loaded"


def test_the_range_of_the_page_fits_the_core() -> None:
    (dependencies,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    requirement = Requirement(re.findall(r'"(minidl-core.*)"', dependencies)[0])
    assert requirement.specifier.contains(__version__)


def test_the_page_names_schemas_and_old_keys() -> None:
    assert f"(today: 1 and {SCHEMA})" in PAGE
    for old, new in RENAMED.items():
        assert f"`{old}` for `{new}`" in PAGE
