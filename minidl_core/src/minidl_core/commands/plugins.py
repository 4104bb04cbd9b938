"""``minidl plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from minidl_core.console import echo_json, echo_table, json_option
from minidl_core.training import find_engine

if TYPE_CHECKING:
    from minidl_core.discovery import Registry

__all__ = ["command"]


@click.command("plugins")
@json_option
@click.pass_obj
def command(registry: Registry, as_json: bool) -> None:
    """List the distributions that have something for minidl, and the engine in use.

    Nothing of them is imported.
    """
    engine = find_engine(None, registry)
    plugins: list[dict[str, Any]] = [
        {
            "distribution": d.name,
            "version": d.version,
            "gives": {
                group: sorted(p.name for p in d.entry_points if p.group == group)
                for group in sorted({point.group for point in d.entry_points})
            },
            "engine_in_use": engine.name if engine and engine.distribution is d else None,
            "status": (reason or "ok").partition(":")[0],
            "reason": (reason or "").partition(": ")[2],
            "problems": d.problems,
            "location": d.folder,
        }
        for d in registry.distributions()
        for reason in [registry.unavailable(d)]
    ]
    if as_json:
        echo_json(plugins)
        return
    echo_table([_row(plugin) for plugin in plugins])
    click.echo(f"engine: {engine.name} ({engine.distribution})" if engine else "engine: eager")


def _row(plugin: dict[str, Any]) -> tuple[str, ...]:
    counts = ", ".join(
        f"{len(names)} {'hooks' if group == 'minidl' else group.removeprefix('minidl.')}"
        for group, names in plugin["gives"].items()
    )
    why = ", but see `minidl doctor`" if plugin["problems"] else ""
    why = f": {plugin['reason']}" if plugin["reason"] else why
    return plugin["distribution"], plugin["version"], counts, plugin["status"] + why
