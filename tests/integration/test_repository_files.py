"""The citation and the forms for issues are complete and agree with the distributions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from minidl_core import __version__

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[2]
FORMS = sorted(
    path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"
)
TYPES = {"checkboxes", "dropdown", "input", "markdown", "textarea"}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def test_the_citation_is_complete_and_agrees() -> None:
    citation = read(ROOT / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert citation["title"]
    assert citation["type"] == "software"
    assert citation["version"] == __version__
    core = (ROOT / "minidl_core" / "pyproject.toml").read_text(encoding="utf-8")
    assert f'authors = [{{ name = "{citation["authors"][0]["name"]}" }}]' in core
    assert f'license = "{citation["license"]}"' in core
    assert f'Source = "{citation["repository-code"]}"' in core
    assert f'Documentation = "{citation["url"]}"' in core


def test_there_is_a_form_for_each_case() -> None:
    names = ["bug", "idea", "plugin_does_not_load", "wrong_gradient"]
    assert [path.stem for path in FORMS] == names
    assert read(FORMS[0].with_name("config.yml"))["blank_issues_enabled"] is False


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_one_that_github_shows(path: Path) -> None:
    form = read(path)
    assert form.keys() == {"name", "description", "labels", "body"}
    ids = [element["id"] for element in form["body"]]
    assert len(ids) == len(set(ids)) >= 3
    for element in form["body"]:
        assert element["type"] in TYPES
        assert re.fullmatch(r"[\w-]+", element["id"])
        assert element["attributes"]["label"]
    labels = [element["attributes"]["label"] for element in form["body"]]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_for_what_doctor_prints(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "`minidl doctor`" in text
    if path.stem != "idea":
        (doctor,) = (element for element in read(path)["body"] if element["id"] == "doctor")
        assert doctor["validations"] == {"required": True}


def test_forms_name_commands_that_exist() -> None:
    files = [*FORMS, ROOT / ".github" / "PULL_REQUEST_TEMPLATE.md"]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    named = set(re.findall(r"`minidl (\w+)", text))
    assert named == {"check", "describe", "doctor", "list", "plugins"}
    from minidl_core import registry

    assert named <= {component.name for component in registry.components("commands")}
