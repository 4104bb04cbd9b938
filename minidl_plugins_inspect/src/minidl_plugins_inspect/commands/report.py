"""``minidl report``."""

from __future__ import annotations

from pathlib import Path

import click

from minidl_core.console import printable

__all__ = ["command"]

FOLDER = click.Path(path_type=Path)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("report")
@click.argument("run", type=FOLDER, metavar="RUN")
@click.option(
    "--output", type=FILE, metavar="FILE", help="The file to write (default: RUN/report.html)."
)
@click.option("--quiet", is_flag=True, help="Print nothing.")
def command(run: Path, output: Path | None, quiet: bool) -> None:
    """Write one HTML page about a run.

    RUN is the folder of a run. The page shows curves, restarts, layers, gradients, the decision
    boundary as it forms, misclassified rows, and the configuration. It needs no server and no
    network: open it in any browser, or send it by mail.
    """
    from minidl_core import MinidlError
    from minidl_plugins_inspect.report.build import page_of

    file = run / "report.html" if output is None else output
    try:
        page = page_of(run)
        beside = file.with_name(f"{file.name}.partial")
        beside.write_text(page, encoding="utf-8")
        beside.replace(file)
    except MinidlError as error:
        raise click.ClickException(printable(str(error))) from error
    except OSError as error:
        reason = error.strerror or error
        raise click.ClickException(
            printable(f"{file} cannot be written ({reason}); name another file with --output")
        ) from error
    if not quiet:
        click.echo(printable(f"report: {file} ({file.stat().st_size / 1e6:.2f} MB)"))
