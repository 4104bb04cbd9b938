"""What is done in the process of one file: it is run, and its classes are checked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import MinidlError, describe_error, registry
from minidl_plugins_devkit.commands.from_file import load_from_file
from minidl_plugins_devkit.declarations import kind_of
from minidl_plugins_devkit.grading.solution import examples_for
from minidl_plugins_devkit.tasks import tasks_of

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from minidl_plugins_devkit.grading.assignment import Assignment, Task

__all__ = ["work"]


def work(answers: Connection, job: tuple[str, Assignment]) -> None:
    """Check a file, and send what comes of it through `answers`, one event after the other.

    Events: ``("begins", task, check)``, ``("result", task, CheckResult)`` and
    ``("cannot", task, message)``.
    """
    file, assignment = job
    _limit(assignment.gigabytes)
    for number, task in enumerate(assignment.tasks):
        try:
            _check(answers, number, file, task, assignment.seed)
        except BaseException as error:  # SystemExit, which a file may raise, among them
            message = str(error) if isinstance(error, MinidlError) else describe_error(error)
            answers.send(("cannot", number, message))


def _check(answers: Connection, number: int, file: str, task: Task, seed: int) -> None:
    answers.send(("begins", number, "the file"))
    component: Any = load_from_file(f"{file}:{task.name}")
    kind = kind_of(component, task.kind, registry)
    component.conformance_exceptions = {}  # what is to fail is not the author's to say here
    tasks = tasks_of(
        component, name=task.name, kind=kind, seed=seed, examples=examples_for(task, kind),
        checks=list(task.points) or None,
    )  # fmt: skip
    for each in tasks:
        answers.send(("begins", number, each.check))
        answers.send(("result", number, each.run()))


def _limit(gigabytes: float) -> None:
    """Take no more than one thread and some memory."""
    torch.set_num_threads(1)
    sys.setrecursionlimit(1000)
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + int(gigabytes * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (ImportError, OSError, ValueError):
        pass  # there is no such limit here; the one of time remains
