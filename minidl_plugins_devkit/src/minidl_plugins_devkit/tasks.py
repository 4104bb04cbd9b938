"""The checks that there are to run for a component, and what comes of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from minidl_core import ArgumentError, ShapeError, suggest
from minidl_core import registry as installed
from minidl_plugins_devkit.checks.optimizer_rules import numbers_never_set
from minidl_plugins_devkit.crashes import CrashError, place_of
from minidl_plugins_devkit.declarations import (
    examples_of,
    exceptions_of,
    kind_of,
    must_have_methods,
    name_of,
)
from minidl_plugins_devkit.errors import ConformanceError
from minidl_plugins_devkit.subjects.cases import Case
from minidl_plugins_devkit.table import Check, checks_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_core import Example, Registry

__all__ = ["DECLARATIONS", "CheckResult", "DeclarationsTask", "Task", "tasks_of"]

DECLARATIONS = "declarations"
Status = Literal["passed", "failed", "expected-failure"]


class CheckResult(NamedTuple):
    """What came of one check.

    Attributes:
        component: the name of the component.
        check: the name of the check.
        example: the number of the example; None for what concerns the component as a whole.
        status: ``"expected-failure"`` is a failure that the component declares.
        message: of a failure, what is wrong; else a note, or ``""``.
        place: of a crash, the ``file:line`` that raised; else ``""``.
        repeats: whether another result tells of the same crash already.
    """

    component: str
    check: str
    example: int | None
    status: Status
    message: str
    place: str = ""
    repeats: bool = False

    @property
    def ok(self) -> bool:
        """Whether this is no reason to worry."""
        return self.status != "failed"


@dataclass(frozen=True)
class Task:
    """One check to run: on one example, or on all if the component declares an exception.

    Attributes:
        reason: why a failure is expected; None if it is not.
        crashes: those that the tasks of one component have told so far: place to task's id.
    """

    component: Any
    kind: str
    name: str
    check: str
    function: Check
    examples: tuple[tuple[int, Example], ...]
    seed: int
    reason: str | None = None
    crashes: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """``Linear-example0-input_gradient``."""
        one = f"-example{self.examples[0][0]}" if len(self.examples) == 1 else ""
        return f"{self.name}{one}-{self.check}"

    def run(self) -> CheckResult:
        """Run the check on each example."""
        failures: list[CheckResult] = []
        notes: list[str] = []
        only = self.examples[0][0] if len(self.examples) == 1 else None
        for number, example in self.examples:
            case = Case(self.component, self.kind, example, self.seed)
            try:
                notes.append(self._run_one(case))
            except ConformanceError as error:
                failures.append(self._failure(only, f"example {number}, {case}", error))
        if self.reason is not None:
            if failures:
                return self._result(only, "expected-failure", self.reason)
            message = (
                f"{self.name}: {self.check} passes, but is declared an exception; take it out of "
                "conformance_exceptions"
            )
            return self._result(only, "failed", message)
        if failures:
            return failures[0]
        return self._result(only, "passed", "; ".join(dict.fromkeys(filter(None, notes))))

    def _run_one(self, case: Case) -> str:
        try:
            return self.function(case) or ""
        except ConformanceError:
            raise
        except Exception as error:
            hint = "a batch size that must stay as it is: batch_axis=None in the Example"
            refused = isinstance(error, ShapeError) and case.batch is not None
            raise CrashError(error, self.component, hint if refused else "") from error

    def _failure(self, only: int | None, where: str, error: ConformanceError) -> CheckResult:
        """The result of `error`, which is told in full unless it is a crash that was told before.

        A check that says what an exception means repeats the crash of a check that does not.
        """
        head = f"{self.name}: {self.check}, {where}:\n"
        crash = error if isinstance(error, CrashError) else None
        place = crash.place if crash else ""
        if crash is None and isinstance(error.__cause__, Exception):
            place = place_of(error.__cause__, self.component)
            place = place if place in self.crashes else ""
        if not place or self.crashes.setdefault(place, self.id) == self.id:
            return self._result(only, "failed", f"{head}{error}", place)
        what = f"{type(error.__cause__).__name__} at {place}, where {self.crashes[place]} stops too"
        return self._result(only, "failed", head + what, place, repeats=True)

    def _result(
        self,
        example: int | None,
        status: Status,
        message: str,
        place: str = "",
        repeats: bool = False,
    ) -> CheckResult:
        return CheckResult(self.name, self.check, example, status, message, place, repeats)


@dataclass(frozen=True)
class DeclarationsTask:
    """Whether the component says what it needs to be checked; it stands before all others."""

    name: str
    error: ConformanceError | None
    note: str = ""
    check: str = DECLARATIONS

    @property
    def id(self) -> str:
        """``Linear-declarations``."""
        return f"{self.name}-{self.check}"

    def run(self) -> CheckResult:
        """Return the result, which is known already."""
        if self.error is None:
            return CheckResult(self.name, DECLARATIONS, None, "passed", self.note)
        message = f"{self.name}: {DECLARATIONS}:\n{self.error}"
        return CheckResult(self.name, DECLARATIONS, None, "failed", message)


def tasks_of(
    component: Any,
    *,
    name: str | None = None,
    kind: str | None = None,
    seed: int = 0,
    registry: Registry | None = None,
    examples: Iterable[Example] | None = None,
    checks: Iterable[str] | None = None,
) -> list[Task | DeclarationsTask]:
    """Return what there is to run for `component`: its declarations first, then every check.

    If the declarations are not in order there is nothing else to run, and the one task fails.
    """
    registry = registry or installed
    name = name or name_of(component)
    kind = kind_of(component, kind, registry)
    every = checks_of(kind, registry)
    wanted = _wanted(every, checks, kind)
    try:
        must_have_methods(component, kind, registry)
        exceptions = exceptions_of(component, every)
        given = examples_of(component, kind, examples) if every else ()
        numbered = tuple(enumerate(given))
        _must_set_numbers(component, kind, [example for _, example in numbered])
    except ConformanceError as error:
        return [DeclarationsTask(name, error)]
    note = "" if every else f"keeps the contract of {kind}; no plugin adds checks for them"
    tasks: list[Task | DeclarationsTask] = [DeclarationsTask(name, None, note)]
    crashes: dict[str, str] = {}
    for check, function in wanted.items():
        reason = exceptions.get(check)
        tasks += [
            Task(component, kind, name, check, function, several, seed, reason, crashes)
            for several in ([numbered] if reason is not None else [(one,) for one in numbered])
        ]
    return tasks


def _wanted(every: dict[str, Check], checks: Iterable[str] | None, kind: str) -> dict[str, Check]:
    names = list(every if checks is None else checks)
    for name in names:
        if name not in every:
            raise ArgumentError(
                f"there is no check {name!r} for {kind}.{suggest(name, list(every))} There are: "
                f"{', '.join(every)}",
                where="checks",
            )
    return {name: every[name] for name in names}


def _must_set_numbers(component: Any, kind: str, examples: list[Example]) -> None:
    missing = numbers_never_set(component, examples) if kind == "optimizers" else []
    if missing:
        raise ConformanceError(
            f"no example sets {', '.join(missing)}: whether it has an effect would not be checked",
            cause=f"give one: Example({{..., {missing[0]!r}: ...}})",
        )
