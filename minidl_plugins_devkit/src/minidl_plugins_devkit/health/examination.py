"""Every distribution in a process of its own, and what came of it in words."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minidl_core.console import printable
from minidl_plugins_devkit.health.imports import Subject, examine
from minidl_plugins_devkit.health.metadata import DECLARING
from minidl_plugins_devkit.health.problem import Problem, uninstalling
from minidl_plugins_devkit.health.requirements import packages_required
from minidl_plugins_devkit.isolation import DONE, run_apart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from minidl_core import Registry
    from minidl_plugins_devkit.isolation import Outcome

__all__ = ["Examination"]

SHARED = "torch"  # takes longer to import than all else: copied from this process where it can be


class Examination:
    """Imports everything of `registry`, and yields what is wrong.

    Args:
        seconds: how long one process may take.
    """

    def __init__(self, registry: Registry, seconds: float) -> None:
        self._registry, self._seconds = registry, seconds
        self._usable = [d for d in registry.distributions() if registry.unavailable(d) is None]
        self._deadly: set[str] = set()  # distributions that end or hang the process that imports
        self._broken: list[str] = []  # packages that cannot be imported
        self._needs: dict[str, list[str]] = {}
        self._forks = "fork" in multiprocessing.get_all_start_methods() and sys.platform == "linux"
        places = {str(Path(d.folder).parent) for d in registry.distributions()}
        known = [os.path.realpath(entry or os.curdir) for entry in sys.path]
        self._path = tuple(sorted(places, key=lambda p: known.index(p) if p in known else -1))

    def problems(self) -> Iterator[Problem]:
        """Yield every problem: of the packages that plugins need, of each plugin, of the hooks."""
        yield from self._of_packages()
        causes: list[str] = []
        declaring = [d.name for d in self._usable for p in d.entry_points if _declares(p.group)]
        for part, names in (
            ("declarations", dict.fromkeys(declaring)),
            ("components", [d.name for d in self._usable]),
            ("hooks", ["hooks"] if any(d.hooks for d in self._usable) else []),
        ):
            for problem in self._of_distributions(part, names):
                if part != "hooks" or not any(cause in problem.cause for cause in causes):
                    causes.append(problem.cause)
                    yield problem
        for package, names in self._needs.items():
            if package not in self._broken:
                yield Problem(
                    package,
                    f"is not installed, and {', '.join(dict.fromkeys(names))} cannot be imported "
                    "without it",
                    f"install {package}",
                )

    def _of_packages(self) -> Iterator[Problem]:
        required = packages_required(self._usable)
        subjects = [Subject("package", package) for package in required]
        for outcome in self._run(subjects):
            package = outcome.job.name
            cause = self._death(outcome)
            for _, error in outcome.events:
                cause = f"cannot be imported: {error}"
            if cause:
                self._broken.append(package)
                who = ", ".join(required[package])
                yield Problem(package, f"{cause}; needed by {who}", f"reinstall {package}")
        if self._forks and SHARED in required and SHARED not in self._broken:
            importlib.import_module(SHARED)

    def _of_distributions(self, part: str, names: Iterable[str]) -> Iterator[Problem]:
        registry = self._registry
        subjects = [
            Subject(
                part, name, self._path, (*registry.disabled, *self._deadly),
                tuple(registry.preferred), tuple(self._broken),
            )
            for name in names
            if name not in self._deadly
        ]  # fmt: skip
        for outcome in self._run(subjects):
            name = at = outcome.job.name
            cause = self._death(outcome)
            for event, value in outcome.events:
                if event == "begins":
                    at = value
                elif event == "needs":
                    self._needs.setdefault(value, []).append(name)
                elif event == "raised":
                    cause = f"importing it raised {value}"
                else:
                    yield value
            if cause:
                self._deadly.add(name)
                yield Problem(at, cause, uninstalling(name))

    def _run(self, subjects: list[Subject]) -> Iterator[Outcome[Subject]]:
        context = multiprocessing.get_context("fork" if self._forks else "spawn")
        with warnings.catch_warnings():  # this process has no threads of its own
            warnings.filterwarnings("ignore", "This process .* is multi-threaded")
            outcomes = run_apart(
                context, subjects, examine, seconds=self._seconds, started=_announce
            )
            for outcome in outcomes:
                if outcome.printed:
                    _tell(f"{outcome.job.name} printed: {outcome.printed}")
                yield outcome

    def _death(self, outcome: Outcome[Any]) -> str:
        """Return how the process ended, if not by coming to its end."""
        return {
            DONE: "",
            "late": f"importing it did not end within {self._seconds:g} seconds",
            "ended": f"importing it ended the process {outcome.how}",
        }.get(outcome.why, f"its process answered with something else ({outcome.how})")


def _announce(subject: Subject) -> None:
    _tell(f"importing {subject.name} ({subject.part})")


def _tell(text: str) -> None:
    with suppress(OSError, ValueError):  # stderr is full or closed
        click.echo(printable(text), err=True)


def _declares(group: str) -> bool:
    return group.partition(".")[2] in DECLARING
