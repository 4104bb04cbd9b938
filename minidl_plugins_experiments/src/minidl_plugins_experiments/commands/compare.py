"""``minidl compare``."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("comparison.png"),
    metavar="FILE",
    help="Where the figure goes (default: comparison.png).",
)
@click.option("--no-figure", is_flag=True, help="Only the table.")
def command(runs: tuple[Path, ...], figure: Path, no_figure: bool) -> None:
    """Show runs side by side, as a table and a figure.

    Each RUN is the folder of a run, or of the several that --seeds made.
    """
    from minidl_plugins_experiments.runs.compare import compare

    compare(runs, None if no_figure else figure)
