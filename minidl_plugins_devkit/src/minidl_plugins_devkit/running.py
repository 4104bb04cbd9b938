"""Running every check on a component, or those that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_plugins_devkit.tasks import CheckResult, tasks_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_core import Example, Registry

__all__ = ["run_checks"]


def run_checks(
    component: Any,
    *,
    name: str | None = None,
    kind: str | None = None,
    seed: int = 0,
    registry: Registry | None = None,
    examples: Iterable[Example] | None = None,
    checks: Iterable[str] | None = None,
) -> list[CheckResult]:
    """Run every check on `component`, or those that are asked for.

    A crash in the component's code is told once, with the number of checks that it stops.

    Args:
        component: the class; for a kind of callables, the callable.
        name: what results call it; its own name when left out.
        kind: such as ``"modules"``; read off the methods when left out, if the kit knows it.
        seed: another one draws other inputs and parameters.
        registry: where kinds and added checks are looked up; what is installed when left out.
        examples: how to build it and what to feed it; its own when left out.
        checks: the names of those to run; all of its kind when left out.

    Returns:
        At least one result; the component conforms if each of them is ``ok``.

    Raises:
        ArgumentError: `component` is of no kind that can be checked, or `kind` or a check is
            unknown.
    """
    tasks = tasks_of(
        component, name=name, kind=kind, seed=seed, registry=registry, examples=examples,
        checks=checks,
    )  # fmt: skip
    results = [task.run() for task in tasks]
    return [_with_count(result, results) for result in results]


def _with_count(result: CheckResult, results: list[CheckResult]) -> CheckResult:
    if not result.place or result.repeats:
        return result
    others = [r.check for r in results if r.repeats and r.place == result.place]
    if not others:
        return result
    names = ", ".join(dict.fromkeys(others))
    also = f"{len(others)} more checks stop at the same place: {names}"
    return result._replace(message=f"{result.message}\n{also}")
