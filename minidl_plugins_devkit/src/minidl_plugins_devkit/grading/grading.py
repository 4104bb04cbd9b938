"""Every file in a process of its own, some at a time, each with a limit of time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from minidl_plugins_devkit.grading.grades import Grade, grade_of
from minidl_plugins_devkit.grading.worker import work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection

    from minidl_plugins_devkit.grading.assignment import Assignment

__all__ = ["grade_files"]

PRELOADED = "minidl_plugins_devkit.grading.preloaded"


@dataclass
class _Running:
    """A file whose process runs."""

    file: str
    process: Any
    answers: Connection
    until: float
    at: str = "the start"
    results: list[Any] = field(default_factory=list)
    cannot: dict[int, str] = field(default_factory=dict)


def grade_files(
    files: Sequence[str], assignment: Assignment, *, processes: int | None = None
) -> Iterator[Grade]:
    """Yield the grade of each file, as its process ends.

    Args:
        processes: how many run at a time; one for each processor when left out.
    """
    methods = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload([PRELOADED])  # so that torch is imported once
    waiting = list(files)
    running: list[_Running] = []
    most = processes or os.cpu_count() or 1
    try:
        while waiting or running:
            while waiting and len(running) < most:
                running.append(_start(context, waiting.pop(0), assignment))
            soonest = min(each.until for each in running)
            ready = wait([each.answers for each in running], max(0.0, soonest - time.monotonic()))
            for each in list(running):
                problem = _listen(each) if each.answers in ready else ""
                if problem == "" and time.monotonic() > each.until:
                    problem = (
                        f"it was still busy with {each.at} after {assignment.seconds:g} seconds"
                    )
                if problem != "":
                    running.remove(each)
                    _end(each)
                    yield grade_of(each.file, assignment, each.results, each.cannot, problem)
    finally:
        for each in running:
            _end(each)


def _start(context: Any, file: str, assignment: Assignment) -> _Running:
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(theirs, file, assignment), daemon=True)
    process.start()
    theirs.close()
    return _Running(file, process, mine, time.monotonic() + assignment.seconds)


def _listen(each: _Running) -> str | None:
    """Take one event in; return None at the end, or why there will be no more, or ``""``."""
    try:
        event = each.answers.recv()
    except (EOFError, OSError):
        each.process.join(5)
        return f"its process ended in {each.at}: {_ending(each.process.exitcode)}"
    except Exception as error:  # what it sent is no event
        return f"its process answered in {each.at} with something else ({type(error).__name__})"
    if event[0] == "begins":
        each.at = event[2]
    elif event[0] == "result":
        each.results.append(event[1:])
    elif event[0] == "cannot":
        each.cannot[event[1]] = event[2]
    return None if event[0] == "done" else ""


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"with status {code}, as by os._exit"


def _end(each: _Running) -> None:
    """Kill the process, and what it started."""
    if each.process.pid is not None and hasattr(os, "killpg"):
        with suppress(OSError):
            if os.getpgid(each.process.pid) == each.process.pid:
                os.killpg(each.process.pid, signal.SIGKILL)
    each.process.kill()
    each.process.join(5)
    each.answers.close()
