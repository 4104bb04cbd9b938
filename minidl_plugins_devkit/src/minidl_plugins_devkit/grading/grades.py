"""The points of a file, from the results of its checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minidl_plugins_devkit.tasks import DECLARATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from minidl_plugins_devkit.grading.assignment import Assignment, Task
    from minidl_plugins_devkit.tasks import CheckResult

__all__ = ["CheckGrade", "Grade", "grade_of"]


@dataclass(frozen=True)
class CheckGrade:
    """What a check came to.

    Attributes:
        task: the class that is asked for.
        check: its name.
        points, most: those given, and those there are. They are given in the share of the examples
            that passed.
        passed, examples: how many examples passed, of how many.
        message: of the first failure, or why it was not run.
    """

    task: str
    check: str
    points: float
    most: float
    passed: int = 0
    examples: int = 0
    message: str = ""


@dataclass(frozen=True)
class Grade:
    """What a file came to.

    Attributes:
        file: as it was given.
        checks: in the order of the assignment.
        problem: what ended its process early, or ``""``.
    """

    file: str
    checks: list[CheckGrade]
    problem: str = ""

    @property
    def points(self) -> float:
        return sum(check.points for check in self.checks)

    @property
    def most(self) -> float:
        return sum(check.most for check in self.checks)

    @property
    def first_message(self) -> str:
        """Why points are missing, in one line."""
        messages = [self.problem, *(check.message for check in self.checks)]
        return next((message for message in messages if message), "")

    def tree(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "file": self.file,
            "points": self.points,
            "most": self.most,
            "problem": self.problem,
            "checks": [vars(check) for check in self.checks],
        }


def grade_of(
    file: str,
    assignment: Assignment,
    results: Iterable[tuple[int, CheckResult]],
    cannot: Mapping[int, str],
    problem: str | None,
) -> Grade:
    """Return the grade of `file`.

    Args:
        results: of the checks that were run, with the number of their task.
        cannot: why the class of a task could not be checked.
        problem: what ended its process early; None if nothing did.
    """
    of_tasks: list[list[CheckResult]] = [[] for _ in assignment.tasks]
    for number, result in results:
        of_tasks[number].append(result)
    checks: list[CheckGrade] = []
    for number, task in enumerate(assignment.tasks):
        why = cannot.get(number) or problem or "it was not run"
        checks += _of_task(task, of_tasks[number], why)
    return Grade(file, checks, problem or "")


def _of_task(task: Task, results: list[CheckResult], why: str) -> list[CheckGrade]:
    """Return the grades of a task's checks; `why` is said where one was not run."""
    told = next((r.message for r in results if r.check == DECLARATIONS and not r.ok), why)
    ran = dict.fromkeys(result.check for result in results if result.check != DECLARATIONS)
    worth = dict(task.points) or dict.fromkeys(ran, 1.0) or {"every check": 1.0}
    return [_of_check(task, name, most, results, told) for name, most in worth.items()]


def _of_check(
    task: Task, name: str, most: float, results: list[CheckResult], told: str
) -> CheckGrade:
    own = [result for result in results if result.check == name]
    passed = sum(result.status == "passed" for result in own)
    if not own:
        return CheckGrade(task.name, name, 0.0, most, message=told)
    message = next((result.message for result in own if result.status != "passed"), "")
    share = passed / len(own)
    return CheckGrade(task.name, name, most * share, most, passed, len(own), message)
