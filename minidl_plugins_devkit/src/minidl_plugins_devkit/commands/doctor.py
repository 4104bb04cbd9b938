"""``minidl doctor``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import click

from minidl_core import RegistryError, suggest
from minidl_core.console import echo_json, json_option, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_core import Component, Distribution, Registry

__all__ = ["command"]

GROUP = "minidl"
DECLARING = ("kinds", "hookspecs")  # what declares kinds and hooks


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
        healthy = "Everything is well" if not problems else f"{len(problems)} to repair"
        click.echo(f"{healthy}; {len(registry.distributions())} distributions looked at.")
    ctx.exit(1 if problems else 0)


def _problems(registry: Registry) -> Iterator[Problem]:
    yield from _of_settings(registry)
    for distribution in registry.distributions():
        yield from _of_distribution(registry, distribution)
    declarations = [c for group in DECLARING for c in registry.components(group)]
    components = [*declarations, *registry.components()]
    yield from _of_names(registry, components)
    for component in components:
        if registry.unavailable(component.distribution) is None:
            yield from _of_component(component)
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


def _of_distribution(registry: Registry, distribution: Distribution) -> Iterator[Problem]:
    name = str(distribution)  # reads the metadata, so that its problems are known
    for cause in distribution.problems:
        yield Problem(name, cause, f"reinstall {distribution.name}, and remove what is left")
    reason = registry.unavailable(distribution)
    if reason and reason != "disabled":
        yield Problem(name, reason, "install versions that go together, or uninstall it")
    known = [*registry.kinds(), *DECLARING]
    for point in distribution.entry_points:
        kind = point.group.removeprefix(f"{GROUP}.")
        if point.group != GROUP and kind not in known:
            yield Problem(
                name,
                f"its entry point {point.name} is in the group {point.group}, and no available "
                f"distribution declares the kind {kind}.{suggest(kind, known)}",
                "install the distribution that declares the kind, or, as its author, use one of "
                f"minidl.{', minidl.'.join(known)}",
            )


def _of_names(registry: Registry, components: list[Component]) -> Iterator[Problem]:
    usable = [c for c in components if registry.unavailable(c.distribution) is None]
    for (kind, name), count in Counter((c.kind, c.name) for c in usable).items():
        if count > 1:
            try:
                registry.find(kind, name)
            except RegistryError as error:
                yield Problem(name, error.problem, error.cure)


def _of_component(component: Component) -> Iterator[Problem]:
    try:
        loaded = component.load()
        if component.kind == "commands" and not isinstance(loaded, click.Command):
            yield Problem(
                component.qualified_name,
                f"is no click command, got {type(loaded).__name__}",
                "its author must point the entry point at a click.Command",
            )
        if component.kind == "kinds" and not getattr(loaded, "__abstractmethods__", None):
            yield Problem(
                component.qualified_name,
                f"{component.value} is no Protocol with abstract methods",
                "its author must point the entry point at a class with abstract methods",
            )
    except RegistryError as error:
        yield Problem(component.qualified_name, error.problem, error.cure)
