"""Every file in a process of its own, some at a time, each with a limit of time."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any

from minidl_plugins_devkit.grading.grades import Grade, grade_of
from minidl_plugins_devkit.grading.worker import work
from minidl_plugins_devkit.isolation import run_apart

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from minidl_plugins_devkit.grading.assignment import Assignment
    from minidl_plugins_devkit.isolation import Outcome

__all__ = ["grade_files"]

PRELOADED = "minidl_plugins_devkit.grading.preloaded"


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
    jobs = [(file, assignment) for file in files]
    for outcome in run_apart(context, jobs, work, seconds=assignment.seconds, processes=processes):
        yield _graded(outcome)


def _graded(outcome: Outcome[tuple[str, Assignment]]) -> Grade:
    file, assignment = outcome.job
    at = "the start"
    results: list[Any] = []
    cannot: dict[int, str] = {}
    for event in outcome.events:
        if event[0] == "begins":
            at = event[2]
        elif event[0] == "result":
            results.append(event[1:])
        elif event[0] == "cannot":
            cannot[event[1]] = event[2]
    problem = {
        "late": f"it was still busy with {at} after {assignment.seconds:g} seconds",
        "ended": f"its process ended in {at}: {outcome.how}",
        "nonsense": f"its process answered in {at} with something else ({outcome.how})",
    }.get(outcome.why)
    return grade_of(file, assignment, results, cannot, problem)
