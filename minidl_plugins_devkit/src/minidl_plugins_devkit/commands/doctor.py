"""``minidl doctor``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from minidl_core.console import echo_json, json_option, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_core import Registry
    from minidl_plugins_devkit.health.problem import Problem

__all__ = ["command"]


@click.command("doctor")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Give each distribution this long.",
)
@json_option
@click.pass_context
def command(ctx: click.Context, seconds: float, as_json: bool) -> None:
    """Import every plugin, and show every problem of the installation with its cure.

    Each distribution is imported in a process of its own. Exits with 1 if there is any problem.
    """
    registry: Registry = ctx.obj
    registry.report = lambda _: None  # they are all among the problems below
    problems = list(dict.fromkeys(_problems(registry, seconds)))
    if as_json:
        echo_json([problem._asdict() for problem in problems])
    else:
        for subject, cause, cure in problems:
            click.echo(printable(f"{subject}: {cause}\n  → {cure}"))
        healthy = "Everything is well" if not problems else f"{len(problems)} to repair"
        click.echo(f"{healthy}; {len(registry.distributions())} distributions looked at.")
    ctx.exit(1 if problems else 0)


def _problems(registry: Registry, seconds: float) -> Iterator[Problem]:
    from minidl_plugins_devkit.health.editable import editable_problems
    from minidl_plugins_devkit.health.examination import Examination
    from minidl_plugins_devkit.health.metadata import read_problems

    yield from read_problems(registry, sys.path)
    yield from editable_problems(registry, sys.path)
    yield from Examination(registry, seconds).problems()
