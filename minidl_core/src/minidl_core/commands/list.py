"""``minidl list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from minidl_core.console import echo_json, echo_table, json_option

if TYPE_CHECKING:
    from minidl_core.discovery import Registry

__all__ = ["command"]

KEYS = ("kind", "name", "distribution", "version", "entry_point", "unavailable")


@click.command("list")
@click.argument("kind", required=False)
@json_option
@click.pass_obj
def command(registry: Registry, kind: str | None, as_json: bool) -> None:
    """List the components, or those of one KIND, without importing any."""
    reasons = {d.name: registry.unavailable(d) for d in registry.distributions()}
    provided = [(c, c.distribution) for c in registry.components(kind)]
    rows = [(c.kind, c.name, d.name, d.version, c.value, reasons[d.name]) for c, d in provided]
    if as_json:
        echo_json([dict(zip(KEYS, row, strict=True)) for row in rows])
    elif rows:
        echo_table([(of, name, f"{d} {version}", no or "") for of, name, d, version, _, no in rows])
    else:
        click.echo(
            f"No {kind or 'components'} installed. Install a distribution that provides some, in "
            f"the entry-point group minidl.{kind or 'modules'}."
        )
