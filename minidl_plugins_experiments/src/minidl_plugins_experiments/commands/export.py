"""``minidl export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from minidl_core.console import printable

if TYPE_CHECKING:
    from minidl_core import Registry

__all__ = ["command"]

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--to", type=click.Choice(["onnx", "torch"]), required=True, help="The format.")
@click.option("--output", type=FILE, metavar="FILE", required=True, help="Where to write.")
@click.pass_obj
def command(registry: Registry, run: Path, to: str, output: Path) -> None:
    """Write a trained run as a file that needs no minidl.

    It takes the columns of the table if all are numbers, else the inputs that they become, and
    gives the probability of each class, or quantities in their unit. It is compared with the run's
    own answers before the command ends.
    """
    from minidl_core import MinidlError
    from minidl_plugins_experiments.runs.exporting import export
    from minidl_plugins_experiments.runs.load import load_run

    try:
        done = export(load_run(run, device="cpu", registry=registry), to, output)
    except MinidlError as error:
        raise click.ClickException(printable(str(error))) from error
    click.echo(printable(str(done.file)))
    for line in (
        f"inputs: {', '.join(done.inputs)}",
        f"answers: {', '.join(done.answers)}",
        *(f"note: {note}" for note in done.notes),
    ):
        click.echo(printable(line), err=True)
