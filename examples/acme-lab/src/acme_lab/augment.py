"""The command ``minidl augment``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from minidl_core import Registry

__all__ = ["command"]


@click.command("augment")
@click.argument("name")
@click.argument("row", nargs=-1, type=float, required=True)
@click.pass_obj
def command(registry: Registry, name: str, row: tuple[float, ...]) -> None:
    """Change a ROW of numbers with the augmentation NAME."""
    changed = registry.create("augmentations", name).augment(row)
    click.echo(" ".join(f"{x:g}" for x in changed))
    for _, line in registry.hooks.call_each("minidl_augmented", name=name, row=row):
        click.echo(line)
