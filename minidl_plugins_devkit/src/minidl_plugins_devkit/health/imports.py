"""What is done in the process of one distribution: all of it is imported and looked at."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from minidl_core import Hooks, Registry, RegistryError, describe_error
from minidl_plugins_devkit.health.metadata import DECLARING
from minidl_plugins_devkit.health.problem import Problem, uninstalling
from minidl_plugins_devkit.health.renamed import renamed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from minidl_core import Component

__all__ = ["Subject", "examine"]


class Subject(NamedTuple):
    """What one process looks at.

    Attributes:
        part: ``package``, ``declarations`` (the kinds and hook specifications of a distribution),
            ``components`` (the rest of it), or ``hooks`` (those of all distributions together).
        name: of the package or distribution.
        path, disabled, preferred: of the registry.
        broken: packages that are known not to be importable; importing one raises at once.
    """

    part: str
    name: str
    path: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


def examine(answers: Connection, subject: Subject) -> None:
    """Import `subject`, and send what comes of it through `answers`.

    Events: ``("begins", name)`` before each import, ``("problem", Problem)``,
    ``("needs", package)`` for a package that is missing or broken, and ``("raised", error)`` if
    the rest could not be looked at.
    """
    sys.modules.update(dict.fromkeys(subject.broken))  # type: ignore[arg-type]
    try:
        if subject.part == "package":
            importlib.import_module(subject.name)
            return
        for event in _look(subject):
            answers.send(event)
    except BaseException as error:
        answers.send(("raised", describe_error(error)))


def _look(subject: Subject) -> Iterator[tuple[str, Any]]:
    registry = Registry(
        subject.path, disabled=subject.disabled, preferred=subject.preferred, report=_say_nothing
    )
    if subject.part == "hooks":
        absent = [f"import of {name} halted" for name in subject.broken]
        for cause in registry.hooks.problems:
            if not any(words in cause for words in absent):
                cure = "upgrade, disable or uninstall that distribution"
                yield "problem", Problem("hooks", cause, cure)
        return
    if subject.part == "declarations":
        components = [c for kind in DECLARING for c in registry.components(kind)]
    else:
        components = registry.components()
    alike: dict[tuple[str, str], list[Problem]] = {}  # those that have one cause
    for component in components:
        if component.distribution.name == subject.name:
            yield "begins", component.qualified_name
            problem, error = _of_component(component)
            if package := _missing(error, component.value, subject.broken):
                yield "needs", package
            elif problem is not None:
                raised = error and error.__cause__
                cause = describe_error(raised) if raised else problem.cause
                alike.setdefault((cause, problem.cure), []).append(problem)
    for first, *others in alike.values():
        also = f"; so it is with {', '.join(other.subject for other in others[:8])}"
        also += f" and {len(others) - 8} more" if others[8:] else ""
        yield "problem", first._replace(cause=first.cause + also) if others else first
    distribution = next(d for d in registry.distributions() if d.name == subject.name)
    if subject.part == "components" and distribution.hooks:
        yield "begins", f"{subject.name}/{distribution.hooks[0].name}"
        Hooks([], [distribution], _say_nothing)  # whether the process outlives it


def _say_nothing(_: str) -> None:
    """Take a sentence that is among the problems anyway."""


def _of_component(component: Component) -> tuple[Problem | None, BaseException | None]:
    try:
        wrong = _fault(component, component.load())
    except RegistryError as error:
        if words := renamed(component, error.__cause__):
            return Problem(component.qualified_name, *words), None
        return Problem(component.qualified_name, error.problem, error.cure), error
    except BaseException as error:
        cause = f"looking at {component.value} raised {describe_error(error)}"
        cure = uninstalling(component.distribution.name)
        return Problem(component.qualified_name, cause, cure), error
    return wrong and Problem(component.qualified_name, *wrong), None


def _fault(component: Component, loaded: Any) -> tuple[str, str] | None:
    if component.kind == "commands":
        if not isinstance(loaded, click.Command):
            return (
                f"is no click command, got {type(loaded).__name__}",
                "its author must point the entry point at a click.Command",
            )
        with click.Context(loaded, info_name=component.name) as ctx:
            loaded.get_help(ctx)
            loaded.get_short_help_str(80)
    if component.kind == "kinds" and not getattr(loaded, "__abstractmethods__", None):
        return (
            f"{component.value} is no Protocol with abstract methods",
            "its author must point the entry point at a class with abstract methods",
        )
    return None


def _missing(error: BaseException | None, value: str, broken: tuple[str, ...]) -> str:
    """The package of others that `error` comes from the lack of, or nothing."""
    own = value.partition(":")[0].partition(".")[0].strip()
    while error is not None:
        name = error.name if isinstance(error, ModuleNotFoundError) else None
        package = (name or own).partition(".")[0]
        if package in broken or (package != own and importlib.util.find_spec(package) is None):
            return package
        error = error.__cause__ or error.__context__
    return ""
