"""Running checks: which there are for a component, and what came of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from minidl_core.errors import MinidlError
from minidl_core.testing.cases import Case
from minidl_core.testing.declarations import (
    examples_of,
    exceptions_of,
    kind_of,
    must_have_methods,
)
from minidl_core.testing.errors import ConformanceError
from minidl_core.testing.optimizer_rule_checks import numbers_never_set
from minidl_core.testing.table import CHECKS

if TYPE_CHECKING:
    from minidl_core.example import Example

__all__ = ["CheckResult", "Task", "run_checks", "tasks_of"]

DECLARATIONS = "declarations"


class CheckResult(NamedTuple):
    """What came of one check.

    Attributes:
        component: the name of the component.
        check: the public name of the check.
        example: the number of the example; None for what concerns the component as a whole.
        status: ``"expected-failure"`` is a failure that the component declares.
        message: of a failure, what is wrong; else a note, or ``""``.
    """

    component: str
    check: str
    example: int | None
    status: Literal["passed", "failed", "expected-failure"]
    message: str

    @property
    def ok(self) -> bool:
        return self.status != "failed"


@dataclass(frozen=True)
class Task:
    """One check to run: on one example, or on all if the component declares an exception.

    Attributes:
        reason: why a failure is expected; None if it is not.
    """

    component: Any
    kind: str
    name: str
    check: str
    examples: tuple[tuple[int, Example], ...]
    seed: int
    reason: str | None = None

    @property
    def id(self) -> str:
        """``Linear-example0-input_gradient``."""
        one = f"-example{self.examples[0][0]}" if len(self.examples) == 1 else ""
        return f"{self.name}{one}-{self.check}"

    def run(self) -> CheckResult:
        failures: list[str] = []
        notes: list[str] = []
        for number, example in self.examples:
            case = Case(self.component, self.kind, example, self.seed)
            try:
                notes.append(self._run_one(case))
            except ConformanceError as error:
                failures.append(f"{self.name}: {self.check}, example {number}, {case}:\n{error}")
        only = self.examples[0][0] if len(self.examples) == 1 else None
        if self.reason is not None:
            if failures:
                return self._result(only, "expected-failure", self.reason)
            message = (
                f"{self.name}: {self.check} passes, but is declared an exception; take it out of "
                "conformance_exceptions"
            )
            return self._result(only, "failed", message)
        if failures:
            return self._result(only, "failed", failures[0])
        return self._result(only, "passed", "; ".join(dict.fromkeys(filter(None, notes))))

    def _run_one(self, case: Case) -> str:
        try:
            return CHECKS[self.kind][self.check](case)
        except ConformanceError:
            raise
        except Exception as error:
            hint = "a batch size that must stay as it is: batch_axis=None in the Example"
            refused = isinstance(error, MinidlError) and case.batch is not None
            raise ConformanceError(
                f"{type(error).__name__} where none is expected",
                str(error),
                hint if refused else "",
            ) from error

    def _result(
        self,
        example: int | None,
        status: Literal["passed", "failed", "expected-failure"],
        message: str,
    ) -> CheckResult:
        return CheckResult(self.name, self.check, example, status, message)


@dataclass(frozen=True)
class DeclarationsTask:
    """Whether the component says what it needs to be checked; it stands before all others."""

    name: str
    error: ConformanceError | None
    check: str = DECLARATIONS

    @property
    def id(self) -> str:
        return f"{self.name}-{self.check}"

    def run(self) -> CheckResult:
        if self.error is None:
            return CheckResult(self.name, DECLARATIONS, None, "passed", "")
        message = f"{self.name}: {DECLARATIONS}:\n{self.error}"
        return CheckResult(self.name, DECLARATIONS, None, "failed", message)


def tasks_of(
    component: Any, *, name: str | None = None, kind: str | None = None, seed: int = 0
) -> list[Task | DeclarationsTask]:
    """What there is to run for `component`: its declarations first, and then every check.

    If the declarations are not in order there is nothing else to run, and the one task fails.
    """
    name = name or str(getattr(component, "__name__", component))
    kind = kind_of(component, kind)
    try:
        must_have_methods(component, kind)
        exceptions = exceptions_of(component, CHECKS[kind])
        examples = tuple(enumerate(examples_of(component, kind)))
        _must_set_numbers(component, kind, [example for _, example in examples])
    except ConformanceError as error:
        return [DeclarationsTask(name, error)]
    tasks: list[Task | DeclarationsTask] = [DeclarationsTask(name, None)]
    for check in CHECKS[kind]:
        if check in exceptions:
            tasks.append(Task(component, kind, name, check, examples, seed, exceptions[check]))
        else:
            tasks += [Task(component, kind, name, check, (one,), seed) for one in examples]
    return tasks


def _must_set_numbers(component: Any, kind: str, examples: list[Example]) -> None:
    missing = numbers_never_set(component, examples) if kind == "optimizers" else []
    if missing:
        raise ConformanceError(
            f"no example sets {', '.join(missing)}: whether it has an effect would not be checked",
            cause=f"give one: Example({{..., {missing[0]!r}: ...}})",
        )


def run_checks(
    component: Any, *, name: str | None = None, kind: str | None = None, seed: int = 0
) -> list[CheckResult]:
    """Run every check on `component`.

    Args:
        component: the class.
        name: how results call it; its own name when left out.
        kind: ``"modules"``, ``"losses"`` or ``"optimizers"``; read off its methods when left out.
        seed: another one draws other inputs and parameters.

    Returns:
        At least one result; the component conforms if each of them is ``ok``.

    Raises:
        ArgumentError: `component` is of no kind that can be checked, or `kind` is unknown.
    """
    return [task.run() for task in tasks_of(component, name=name, kind=kind, seed=seed)]
