"""``minidl run``."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from minidl_core.console import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_core import Registry
    from minidl_plugins_experiments.session import Session

__all__ = ["command"]

FOLDER = click.Path(path_type=Path)


@click.command("run")
@click.argument("file", required=False, metavar="FILE.toml|NAME")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a value of the file, such as optimizer.lr=0.05 (may be repeated).",
)
@click.option("--output", type=FOLDER, metavar="FOLDER", help="The run folder (default: in runs/).")
@click.option("--resume", type=FOLDER, metavar="FOLDER", help="Continue a run that was stopped.")
@click.option("--seeds", type=click.IntRange(1), metavar="N", help="Run N seeds, and compare them.")
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="KEY=VALUES",
    help="Train with each of several values, such as optimizer.lr=0.01,0.1 (may be repeated: every "
    "combination).",
)
@click.option(
    "--engine", metavar="NAME", help="The engine that carries out the steps (see `minidl list`)."
)
@click.option(
    "--dry-run", is_flag=True, help="Build and check everything; train and write nothing."
)
@click.option("--figures/--no-figures", default=True, help="Draw figures (the default).")
@click.option("--quiet", is_flag=True, help="Print nothing but the folder.")
@click.option(
    "--json-lines",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Add a line of JSON to FILE at the start, after each epoch, and at the end.",
)
@click.option(
    "--checkpoint-every",
    type=click.FloatRange(0),
    default=5.0,
    metavar="SECONDS",
    help="How often to write a checkpoint (default: 5; 0: after every epoch).",
)
@click.pass_obj
def command(
    registry: Registry,
    file: str | None,
    settings: tuple[str, ...],
    output: Path | None,
    resume: Path | None,
    seeds: int | None,
    sweeps: tuple[str, ...],
    engine: str | None,
    dry_run: bool,
    figures: bool,
    quiet: bool,
    json_lines: str | None,
    checkpoint_every: float,
) -> None:
    """Run the experiment of a TOML file; results, weights and figures go into a folder.

    Bundled experiments are run by name: `minidl run disk`. An experiment with a mistake is refused
    before anything is trained, with exit status 2.
    """
    if (file is None) == (resume is None):
        raise click.UsageError("give the FILE of an experiment, or --resume and a run's FOLDER")
    if resume is not None and (output or seeds or sweeps or engine or dry_run):
        raise click.UsageError(
            "--resume continues a run as it was started; leave out --output, --seeds, --sweep, "
            "--engine and --dry-run"
        )
    from minidl_plugins_experiments.commands import running
    from minidl_plugins_experiments.session import Options, Session

    session = Session(registry, Options(quiet, figures, json_lines, checkpoint_every))
    with _exit_statuses(session):
        if resume is not None:
            running.resume(session, resume, settings)
        elif file is not None:
            if engine is not None:
                settings = (*settings, f"engine={engine}")
            experiment = running.load(file, settings, sweeps)
            running.start(session, experiment, output, seeds, dry_run=dry_run)


class Refused(click.ClickException):
    """The experiment cannot be run as it is written."""

    exit_code = 2


@contextmanager
def _exit_statuses(session: Session) -> Iterator[None]:
    """Exit with 2 for a mistake in the experiment, 1 for a run that failed, 130 for Ctrl-C."""
    from minidl_core import MinidlError
    from minidl_plugins_experiments.config.problems import ConfigError

    try:
        session.find_strategy()
        yield
    except click.exceptions.Exit:
        raise
    except BaseException as error:
        refused = isinstance(error, ConfigError)
        words = session.strategy.error_message(error)
        if words is None:
            status = 130 if isinstance(error, KeyboardInterrupt) else 2 if refused else 1
            raise click.exceptions.Exit(status) from error
        if isinstance(error, KeyboardInterrupt):
            raise click.exceptions.Exit(130) from error
        if isinstance(error, MinidlError):
            kind = Refused if refused else click.ClickException
            raise kind(printable(words)) from error
        raise
    finally:
        session.strategy.close()
