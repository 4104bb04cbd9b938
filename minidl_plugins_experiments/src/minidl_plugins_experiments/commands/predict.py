"""``minidl predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from minidl_core.console import printable

if TYPE_CHECKING:
    from minidl_core import Registry

__all__ = ["command"]

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("predict")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.argument("rows", type=FILE, metavar="NEW.csv")
@click.option("--output", type=FILE, metavar="OUT.csv", help="Where to write (default: stdout).")
@click.option("--device", metavar="NAME", help="Where to compute (default: as in training).")
@click.pass_obj
def command(
    registry: Registry, run: Path, rows: Path, output: Path | None, device: str | None
) -> None:
    """Apply a trained run to the rows of a new table.

    RUN is a run folder. NEW.csv has the columns that the run was trained on, in any order; the
    target may be left out. Each row's prediction is in the labels or the unit of the training
    table, with the probability of each class.
    """
    from minidl_core import MinidlError
    from minidl_plugins_experiments.runs.load import load_run
    from minidl_plugins_experiments.runs.predicted_table import write_predictions

    try:
        loaded = load_run(run, device=device, registry=registry)
        notes = write_predictions(loaded, rows, output)
    except MinidlError as error:
        raise click.ClickException(printable(str(error))) from error
    for note in notes:
        click.echo(printable(f"note: {note}"), err=True)
