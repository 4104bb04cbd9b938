"""The commands that this distribution adds to ``minidl``, through the hook that a stranger uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

__all__ = ["minidl_commands"]


@hookimpl
def minidl_commands() -> Sequence[click.Command]:
    from minidl_plugins_experiments.commands import compare, run

    return [run.command, compare.command]
