"""``minidl check``."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from minidl_core import MinidlError, canonical
from minidl_core.console import echo_json, json_option, printable
from minidl_plugins_devkit.commands.finding import find_everywhere
from minidl_plugins_devkit.commands.from_file import (
    classes_in_file,
    load_from_file,
    names_a_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_core import Component, Registry
    from minidl_plugins_devkit.tasks import CheckResult

__all__ = ["command"]


class _Subject(NamedTuple):
    """What is checked: a component that is installed, or a class in a file."""

    name: str
    source: str
    kind: str | None
    load: Any


@click.command("check")
@click.argument("names", nargs=-1, required=True, metavar="DISTRIBUTION|NAME|FILE.py[:CLASS]...")
@click.option("--seed", default=0, help="Draw other inputs and parameters.")
@json_option
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], seed: int, as_json: bool) -> None:
    """Prove the gradients of a distribution, of a component by name, or of classes in a file.

    FILE.py alone is every class in it that has a forward, a backward or a step.

    A component of a kind that has no checks of its own is imported and held to the contract of
    its kind. Exits with 1 if a check fails.
    """
    registry: Registry = ctx.obj
    subjects = dict.fromkeys(subject for name in names for subject in _named(registry, name))
    outcomes = [(subject, _run(subject, seed, registry)) for subject in subjects]
    if as_json:
        echo_json([{"kind": s.kind, **r._asdict()} for s, results in outcomes for r in results])
    else:
        for subject, results in outcomes:
            _show(subject, results)
    ctx.exit(0 if all(result.ok for _, results in outcomes for result in results) else 1)


def _named(registry: Registry, name: str) -> Iterator[_Subject]:
    """What `name` means: all of a distribution's components, those of that name, or a file's.

    Raises:
        ArgumentError: the file or its class is not there.
        MinidlError: what `Registry.find` raises.
    """
    if names_a_file(name):
        path, _, wanted = name.partition(":")
        classes = {wanted: load_from_file(name)} if wanted else classes_in_file(path)
        for attribute, loaded in classes.items():
            yield _Subject(loaded.__name__, f"{path}:{attribute}", None, partial(_given, loaded))
        return
    own = [c for c in registry.components() if c.distribution.name == canonical(name)]
    for component in own or find_everywhere(registry, name):
        found = registry.find(component.kind, component.qualified_name)
        yield _as_subject(found)


def _given(loaded: Any) -> Any:
    return loaded


def _as_subject(component: Component) -> _Subject:
    return _Subject(component.name, str(component.distribution), component.kind, component.load)


def _run(subject: _Subject, seed: int, registry: Registry) -> list[CheckResult]:
    from minidl_plugins_devkit.running import run_checks
    from minidl_plugins_devkit.tasks import CheckResult

    try:
        loaded = subject.load()
        return run_checks(
            loaded, name=subject.name, kind=subject.kind, seed=seed, registry=registry
        )
    except MinidlError as error:
        return [CheckResult(subject.name, "load", None, "failed", str(error))]


def _show(subject: _Subject, results: list[CheckResult]) -> None:
    counts = Counter(result.status for result in results)
    figures = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    click.echo(printable(f"{subject.name} ({subject.source}): {figures}"))
    for first, *others in _folded(results):
        text = printable(first.message).replace("\n", "\n    ")
        click.echo(f"  {first.status}: {first.check}\n    {text}")
        if others:
            numbers = ", ".join(str(other.example) for other in others)
            click.echo(f"    the same in example{'s' * (len(others) > 1)} {numbers}")


def _folded(results: list[CheckResult]) -> list[list[CheckResult]]:
    """What is to be told, with equal failures of several examples in one list."""
    groups: dict[tuple[str, str, str], list[CheckResult]] = {}
    for result in results:
        if result.status != "passed" and not result.repeats:
            # the first line names the example, and numbers are those of its shapes and values
            said = result.message if result.example is None else result.message.partition("\n")[2]
            alike = re.sub(r"#(, #)*,?", "#", re.sub(r"[-+]?\d[\d.e+-]*", "#", said))
            groups.setdefault((result.status, result.check, alike), []).append(result)
    return list(groups.values())
