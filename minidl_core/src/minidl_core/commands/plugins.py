"""``minidl plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from minidl_core.commands.tables import echo_json, echo_table, json_option
from minidl_core.distributions import HOOKS_GROUP

if TYPE_CHECKING:
    from minidl_core.discovery import Registry

__all__ = ["command"]


@click.command("plugins")
@json_option
@click.pass_obj
def command(registry: Registry, as_json: bool) -> None:
    """List the distributions that have something for minidl, without importing any."""
    plugins: list[dict[str, object]] = [
        {
            "distribution": distribution.name,
            "version": distribution.version,
            "gives": {
                group: sorted(p.name for p in distribution.entry_points if p.group == group)
                for group in sorted({point.group for point in distribution.entry_points})
            },
            "status": (reason or "ok").partition(":")[0],
            "reason": (reason or "").partition(": ")[2],
            "problems": distribution.problems,
            "location": distribution.folder,
        }
        for distribution in registry.distributions()
        for reason in [registry.unavailable(distribution)]
    ]
    if as_json:
        echo_json(plugins)
    elif plugins:
        echo_table([_row(plugin) for plugin in plugins])
    else:
        click.echo(
            "No plugins installed: minidl-core has no layers of its own. Install a distribution "
            "of minidl plugins, or write one: minidl new PATH"
        )


def _row(plugin: dict[str, object]) -> tuple[str, ...]:
    gives = plugin["gives"]
    assert isinstance(gives, dict)
    counts = ", ".join(
        f"{len(names)} {'hooks' if group == HOOKS_GROUP else group.removeprefix('minidl.')}"
        for group, names in gives.items()
    )
    status = str(plugin["status"])
    if plugin["problems"] and status == "ok":
        status = "ok, but see `minidl doctor`"
    why = f": {plugin['reason']}" if plugin["reason"] else ""
    return str(plugin["distribution"]), str(plugin["version"]), counts, status + why
