"""Text in columns, and JSON, for the authors of commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from minidl_core.wording import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["echo_json", "echo_table", "json_option", "printable"]


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json`` to a command that a program would read; its argument is ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def echo_json(data: Any) -> None:
    """Print `data` as JSON."""
    click.echo(json.dumps(data, indent=2))


def echo_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of equal length, each column as wide as its widest cell."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
