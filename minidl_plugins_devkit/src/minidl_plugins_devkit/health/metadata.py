"""Problems that the metadata show: nothing of a plugin is imported."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from minidl_core import RegistryError, canonical, suggest
from minidl_plugins_devkit.health.editable import editable_projects
from minidl_plugins_devkit.health.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from minidl_core import Component, Distribution, Registry
    from minidl_plugins_devkit.health.editable import Project

__all__ = ["DECLARING", "read_problems"]

GROUP = "minidl"
DECLARING = ("kinds", "hookspecs")  # what declares kinds and hooks


def read_problems(registry: Registry, path: Iterable[str]) -> Iterator[Problem]:
    """Yield every problem of the settings and the metadata.

    Args:
        path: where folders of metadata are looked for that the registry had to pass over.
    """
    yield from _of_settings(registry)
    yield from _of_folders(path)
    for distribution in registry.distributions():
        yield from _of_distribution(registry, distribution)
    yield from _of_names(registry, editable_projects(path))


def _of_settings(registry: Registry) -> Iterator[Problem]:
    known = {distribution.name for distribution in registry.distributions()}
    for name in sorted(registry.disabled - known):
        yield Problem(
            name,
            "is disabled, but not installed",
            "correct its name in MINIDL_DISABLE or --disable",
        )
    names = {component.qualified_name for component in registry.components()}
    for name in sorted(set(registry.preferred) - names):
        yield Problem(name, "is preferred, but not installed", "correct it in MINIDL_PREFER")


def _of_folders(path: Iterable[str]) -> Iterator[Problem]:
    for place in dict.fromkeys(os.path.realpath(entry or os.curdir) for entry in path):
        try:
            names = sorted(os.listdir(place))  # noqa: PTH208 (a third of the time)
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")) and not name.startswith("~"):
                folder, distribution = Path(place, name), name[:-10].partition("-")[0]
                if not canonical(distribution):
                    yield Problem(
                        str(folder),
                        "is a folder of metadata without the name of a distribution, which other "
                        "packages may fail at",
                        "remove it",
                    )
                elif reason := _unreadable(folder / "entry_points.txt"):
                    yield Problem(
                        str(folder),
                        f"its entry_points.txt cannot be read: {reason}",
                        f"reinstall {canonical(distribution)}",
                    )


def _unreadable(file: Path) -> str:
    """Why `file`, which need not be there, cannot be read; or nothing."""
    try:
        mode = file.lstat().st_mode
    except OSError:
        return ""
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            return f"it is no file, but a {_kind_of(mode)}"
        file.open("rb").close()
    except OSError as error:
        return str(error.strerror)
    return ""


def _kind_of(mode: int) -> str:
    kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "device")


def _of_distribution(registry: Registry, distribution: Distribution) -> Iterator[Problem]:
    name = str(distribution)  # reads the metadata, so that its problems are known
    for cause in distribution.problems:
        yield Problem(name, cause, f"reinstall {distribution.name}, and remove what is left")
    reason = registry.unavailable(distribution)
    if reason:
        if reason != "disabled":
            yield Problem(name, reason, "install versions that go together, or uninstall it")
        return  # the kinds that it declares itself are not known
    known = [*registry.kinds(), *DECLARING]
    for point in distribution.entry_points:
        kind = point.group.removeprefix(f"{GROUP}.")
        if point.group != GROUP and kind not in known:
            yield Problem(
                name,
                f"its entry point {point.name} is in the group {point.group}, and no available "
                f"distribution declares the kind {kind}.{suggest(kind, known)}",
                "install the distribution that declares the kind, or, as its author, use one of "
                f"minidl.{', minidl.'.join(known)}",
            )


def _of_names(registry: Registry, projects: Mapping[str, Project]) -> Iterator[Problem]:
    """Yield the ambiguous names, but not those of one project that was renamed."""
    everything: list[Component] = registry.components()
    for group in DECLARING:
        everything += registry.components(group)
    usable = [c for c in everything if registry.unavailable(c.distribution) is None]
    claims: dict[tuple[str, str], list[str]] = {}
    for component in usable:
        claims.setdefault((component.kind, component.name), []).append(component.distribution.name)
    for (kind, name), owners in claims.items():
        if owners[1:] and not _one_project(owners, projects):
            try:
                registry.find(kind, name)
            except RegistryError as error:
                yield Problem(name, error.problem, error.cure)


def _one_project(distributions: list[str], projects: Mapping[str, Project]) -> bool:
    """Whether `distributions` are different names that one folder had over time."""
    folders = {projects[name].folder if name in projects else name for name in distributions}
    return len(folders) == 1 and len(set(distributions)) == len(distributions)
