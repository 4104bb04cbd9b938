"""``minidl compare``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from minidl_core.console import printable

__all__ = ["command"]


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--groups",
    is_flag=True,
    help="A row for each series of seeds and each setting of a sweep, with its spread and its "
    "difference to the first.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown", "csv", "latex"]),
    default="table",
    help="How the table is written (default: table).",
)
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("comparison.png"),
    metavar="FILE",
    help="Where the figure goes: PNG, SVG or PDF (default: comparison.png).",
)
@click.option("--no-figure", is_flag=True, help="Only the table.")
def command(runs: tuple[Path, ...], groups: bool, form: str, figure: Path, no_figure: bool) -> None:
    """Show runs side by side, as a table and a figure.

    Each RUN is the folder of a run, or of the several that --seeds or --sweep made.
    """
    from minidl_plugins_experiments.commands.comparing_groups import compare_groups
    from minidl_plugins_experiments.commands.table_formats import echo_rows
    from minidl_plugins_experiments.runs.compare import compare, draw_groups

    if groups:
        found = compare_groups(runs, form)
        if not no_figure:
            draw_groups(found, figure)
    else:
        compare(runs, None if no_figure else figure, partial(echo_rows, form=form))
    if not no_figure:
        click.echo(printable(f"figure: {figure}"), err=form != "table")
