"""``minidl check``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from minidl_core.commands import printable
from minidl_core.commands.describe import find_everywhere
from minidl_core.commands.tables import echo_json, json_option
from minidl_core.distributions import canonical
from minidl_core.errors import ArgumentError, MinidlError

if TYPE_CHECKING:
    from minidl_core.components import Component
    from minidl_core.discovery import Registry
    from minidl_core.testing import CheckResult

__all__ = ["command"]


@click.command("check")
@click.argument("names", nargs=-1, required=True, metavar="DISTRIBUTION|NAME...")
@click.option("--seed", default=0, help="Draw other inputs and parameters.")
@json_option
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], seed: int, as_json: bool) -> None:
    """Run the conformance kit on every component of a DISTRIBUTION, or on a component by NAME.

    Exits with 1 if a check fails.
    """
    components = {c: None for name in names for c in _named(ctx.obj, name)}
    outcomes = [(component, _run(component, seed)) for component in components]
    if as_json:
        echo_json([{"kind": c.kind, **r._asdict()} for c, results in outcomes for r in results])
    else:
        for component, results in outcomes:
            _show(component, results)
    ctx.exit(0 if all(result.ok for _, results in outcomes for result in results) else 1)


def _named(registry: Registry, name: str) -> list[Component]:
    """The components that `name` means: all of a distribution's, or those of that name.

    Raises:
        ArgumentError: there is none that the kit could check.
        MinidlError: what `Registry.find` raises.
    """
    own = [c for c in registry.components() if c.distribution.name == canonical(name)]
    found = own or find_everywhere(registry, name)
    checkable = [registry.find(c.kind, c.qualified_name) for c in found if c.kind != "datasets"]
    if not checkable:
        raise ArgumentError(
            f"{name} has nothing to check: expected modules, losses or optimizers, "
            f"got {len(found)} datasets"
        )
    return checkable


def _run(component: Component, seed: int) -> list[CheckResult]:
    try:
        from minidl_core.testing import CheckResult, run_checks
    except ModuleNotFoundError as error:
        raise MinidlError(
            f"the conformance kit needs {error.name}; pip install 'minidl-core[testing]'"
        ) from error
    try:
        loaded = component.load()
    except MinidlError as error:
        return [CheckResult(component.name, "load", None, "failed", str(error))]
    return run_checks(loaded, name=component.name, kind=component.kind, seed=seed)


def _show(component: Component, results: list[CheckResult]) -> None:
    counts = Counter(result.status for result in results)
    figures = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    click.echo(printable(f"{component.name} ({component.distribution}): {figures}"))
    for result in results:
        if result.status != "passed":
            text = printable(result.message).replace("\n", "\n    ")
            click.echo(f"  {result.status}: {result.check}\n    {text}")
