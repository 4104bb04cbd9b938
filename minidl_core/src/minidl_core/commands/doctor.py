"""``minidl doctor``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import click

from minidl_core.commands import printable
from minidl_core.commands.tables import echo_json, json_option
from minidl_core.components import KINDS
from minidl_core.distributions import HOOKS_GROUP
from minidl_core.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_core.discovery import Registry

__all__ = ["command"]


class Problem(NamedTuple):
    """What is wrong with what, and what to do about it."""

    subject: str
    cause: str
    cure: str


@click.command("doctor")
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Import every plugin, and show every problem of the installation with its cure.

    Exits with 1 if there is any.
    """
    registry: Registry = ctx.obj
    registry.report = lambda _: None  # they are all among the problems below
    problems = list(dict.fromkeys(_problems(registry)))
    if as_json:
        echo_json([problem._asdict() for problem in problems])
    else:
        for subject, cause, cure in problems:
            click.echo(printable(f"{subject}: {cause}\n  → {cure}"))
        healthy = "Everything is well" if not problems else f"{len(problems)} to mend"
        click.echo(f"{healthy}; {len(registry.distributions())} distributions looked at.")
    ctx.exit(1 if problems else 0)


def _problems(registry: Registry) -> Iterator[Problem]:
    yield from _of_settings(registry)
    for distribution in registry.distributions():
        name = str(distribution)  # reads the metadata, so that what is wrong with it is known
        for cause in distribution.problems:
            yield Problem(name, cause, f"reinstall {distribution.name}, and remove what is left")
        reason = registry.unavailable(distribution)
        if reason and reason != "disabled":
            yield Problem(name, reason, "install versions that go together, or uninstall it")
        for point in distribution.entry_points:
            kind = point.group.removeprefix(f"{HOOKS_GROUP}.")
            if point.group != HOOKS_GROUP and kind not in KINDS:
                yield Problem(
                    name,
                    f"its entry point {point.name} is in the group {point.group}, which minidl "
                    "does not read",
                    f"its author must use one of minidl.{', minidl.'.join(KINDS)}",
                )
    yield from _of_names(registry)
    run_time = [c for kind in KINDS for c in registry.run_time_components(kind)]
    for component in [*registry.components(), *run_time]:
        if registry.unavailable(component.distribution) is None:
            try:
                component.load()
            except RegistryError as error:
                yield Problem(component.qualified_name, error.problem, error.cure)
    registry.hooks.ask("minidl_commands")
    for cause in registry.hooks.problems:
        yield Problem("hooks", cause, "upgrade, disable or uninstall that distribution")


def _of_settings(registry: Registry) -> Iterator[Problem]:
    known = {distribution.name for distribution in registry.distributions()}
    for name in sorted(registry.disabled - known):
        yield Problem(
            name,
            "is disabled, but not installed",
            "correct its name in MINIDL_DISABLE or --disable",
        )
    names = {component.qualified_name for component in registry.components()}
    for name in sorted(set(registry.preferred) - names):
        yield Problem(name, "is preferred, but not installed", "correct it in MINIDL_PREFER")


def _of_names(registry: Registry) -> Iterator[Problem]:
    usable = [c for c in registry.components() if registry.unavailable(c.distribution) is None]
    for (kind, name), count in Counter((c.kind, c.name) for c in usable).items():
        if count > 1:
            try:
                registry.find(kind, name)
            except RegistryError as error:
                yield Problem(name, error.problem, error.cure)
