"""``minidl list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from minidl_core.console import echo_json, echo_table, json_option

if TYPE_CHECKING:
    from minidl_core.discovery import Registry

__all__ = ["command"]


@click.command("list")
@click.argument("kind", required=False)
@json_option
@click.pass_obj
def command(registry: Registry, kind: str | None, as_json: bool) -> None:
    """List the components, or those of one KIND, without importing any."""
    components = registry.components(kind)
    reasons = {d.name: registry.unavailable(d) for d in registry.distributions()}
    provided = [(c, c.distribution) for c in components]
    if as_json:
        echo_json(
            [
                {
                    "kind": c.kind,
                    "name": c.name,
                    "distribution": d.name,
                    "version": d.version,
                    "entry_point": c.value,
                    "unavailable": reasons[d.name],
                }
                for c, d in provided
            ]
        )
    elif components:
        echo_table([(c.kind, c.name, str(d), reasons[d.name] or "") for c, d in provided])
    else:
        click.echo(
            f"No {kind or 'components'} installed. Install a distribution that provides some, in "
            f"the entry-point group minidl.{kind or 'modules'}."
        )
