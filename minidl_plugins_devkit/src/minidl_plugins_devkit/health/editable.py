"""Editable installs whose ``pyproject.toml`` says something else than their metadata.

pip writes the metadata when a project is installed. A later change of its entry points or of its
name is seen only after it is installed again.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from minidl_core import Distribution, canonical
from minidl_plugins_devkit.health.problem import Problem

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from minidl_core import Registry

__all__ = ["editable_problems", "editable_projects"]

GROUP = "minidl"
Points = dict[tuple[str, str], str]  # the value of each group and name


class Project(NamedTuple):
    """An editable install: the name it has in the metadata, its entry points there, its folder."""

    name: str
    points: Points
    folder: Path


def editable_projects(path: Iterable[str]) -> dict[str, Project]:
    """Return the editable installs on `path` by their names; as in imports, the first wins."""
    found: dict[str, Project | None] = {}
    for place in dict.fromkeys(os.path.realpath(entry or os.curdir) for entry in path):
        try:
            names = sorted(os.listdir(place))  # noqa: PTH208 (a third of the time)
        except OSError:
            continue
        for folder in (Path(place, name) for name in names if name.endswith(".dist-info")):
            name = canonical(folder.stem.partition("-")[0])
            if name and name not in found:
                project = _project_folder(folder)
                points = _installed_points(name, folder) if project else {}
                found[name] = Project(name, points, project) if project else None
    return {name: project for name, project in found.items() if project}


def editable_problems(registry: Registry, path: Iterable[str]) -> Iterator[Problem]:
    """Yield each difference between an editable install and its project, with its cure."""
    projects = editable_projects(path)
    for project in projects.values():
        if project.name not in registry.disabled:
            yield from _of_project(project, projects)


def _of_project(project: Project, projects: dict[str, Project]) -> Iterator[Problem]:
    file = project.folder / "pyproject.toml"
    again = f"pip install -e {shlex.quote(str(project.folder))}"
    if not project.folder.is_dir():
        if project.points:
            yield Problem(
                project.name,
                f"is installed from {project.folder}, which is not there any more",
                f"install it from where it is now, or run: pip uninstall {project.name}",
            )
        return
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (OSError, ValueError) as error:
        if project.points:
            yield Problem(
                project.name, f"{file} cannot be read: {error}", f"correct it, and run: {again}"
            )
        return
    own = table.get("project")
    if not isinstance(own, dict):
        return  # the project says it elsewhere, as in setup.py
    dynamic = own.get("dynamic")
    if isinstance(dynamic, list) and "entry-points" in dynamic:
        return
    declared = _declared_points(own)
    if not (declared or project.points):
        return
    name = own.get("name")
    if isinstance(name, str) and canonical(name) != project.name:
        yield _renamed(project, canonical(name), projects, again)
        return
    yield from (
        Problem(project.name, cause, f"run: {again}") for cause in _differences(project, declared)
    )


def _renamed(project: Project, name: str, projects: dict[str, Project], again: str) -> Problem:
    old, folder = project.name, project.folder
    if name in projects and projects[name].folder == folder:
        return Problem(
            old,
            f"is the former name of {name}: both are installed from {folder}, so each of its "
            "components is there twice",
            f"run: pip uninstall {old}",
        )
    return Problem(
        old,
        f"you renamed it to {name} in {folder / 'pyproject.toml'} and did not reinstall",
        f"run: pip uninstall {old}; then: {again}",
    )


def _differences(project: Project, declared: Points) -> Iterator[str]:
    installed, where = project.points, f"the entry points of {project.name}"
    added = [key for key in declared if key not in installed]
    removed = [key for key in installed if key not in declared]
    changed = [key for key in declared if key in installed and declared[key] != installed[key]]
    if added:
        yield f"you added {_listed(added)} to {where} and did not reinstall"
    if removed:
        yield f"you removed {_listed(removed)} from {where} and did not reinstall"
    for group, name in changed:
        yield (
            f"you changed {name} ({group}) in {where} from {installed[group, name]} to "
            f"{declared[group, name]} and did not reinstall"
        )


def _listed(keys: list[tuple[str, str]]) -> str:
    return ", ".join(f"{name} ({group})" for group, name in keys)


def _declared_points(project: dict[str, Any]) -> Points:
    groups = project.get("entry-points", {})
    return {
        (group, name): _plain(value)
        for group, points in (groups.items() if isinstance(groups, dict) else ())
        if group.partition(".")[0] == GROUP and isinstance(points, dict)
        for name, value in points.items()
        if isinstance(value, str)
    }


def _installed_points(name: str, folder: Path) -> Points:
    points = Distribution(name, str(folder), _text(folder / "entry_points.txt")).entry_points
    return {(point.group, point.name): _plain(point.value) for point in points}


def _plain(value: str) -> str:
    return value.replace(" ", "")


def _project_folder(folder: Path) -> Path | None:
    """Return the folder that the editable install `folder` leads to; None if it is another."""
    try:
        origin = json.loads(_text(folder / "direct_url.json") or "{}")
        if origin["dir_info"]["editable"] is not True:
            return None
        url = urlsplit(origin["url"])
        return Path(url2pathname(url.path)) if url.scheme == "file" else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # installed from elsewhere, or by a tool that does not say


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    except OSError:
        return ""
