"""What ``minidl run`` does with its arguments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from minidl_plugins_experiments.commands import printing
from minidl_plugins_experiments.config.loading import load_experiment
from minidl_plugins_experiments.config.problems import ConfigError, problems_named
from minidl_plugins_experiments.runs import execute, seeds
from minidl_plugins_experiments.runs.folder import check_output, is_series, read_result
from minidl_plugins_experiments.telling import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidl_plugins_experiments.session import Session

__all__ = ["resume", "start"]


def start(
    session: Session,
    file: str,
    settings: Sequence[str],
    output: Path | None,
    count: int | None,
    *,
    dry_run: bool,
) -> None:
    """Run the experiment in `file` and print its result.

    Args:
        settings: values that replace the file's.
        output: the folder for the results; a fresh one if left out.
        count: how many seeds to run; one run without ``--seeds`` if left out.
        dry_run: whether to check everything, and train and write nothing.

    Raises:
        ConfigError: the experiment cannot be run. Nothing is written.
        MinidlError: it failed while it ran.
    """
    experiment = load_experiment(file, settings)
    with problems_named(file):
        if output is not None:
            check_output(output)
        _check_json_lines(session.options.json_lines)
    if dry_run:
        with session.prepared(experiment) as prepared, problems_named(file):
            session.strategy.verify(prepared, 0)
        printing.print_dry_run(session, prepared)
    elif count is not None:
        printing.print_series(session, *seeds.start(session, experiment, count, output))
    else:
        printing.print_run(session, *execute.start(session, experiment, output))


def resume(session: Session, folder: Path, settings: Sequence[str] = ()) -> None:
    """Continue the run or the series in `folder`, and print its result.

    Args:
        settings: what may still change of a run: more epochs, or a new place of the data.

    Raises:
        MinidlError: the folder has no run, or the run cannot be resumed.
    """
    _check_json_lines(session.options.json_lines)
    if is_series(folder):
        if settings:
            raise ConfigError(
                f"{folder} is a series of seeds, which is continued as it was started; start a "
                "new one with other values",
                key="--set",
            )
        printing.print_series(session, folder, seeds.resume(session, folder))
    else:
        _tell_finished(session, folder, settings)
        printing.print_run(session, folder, execute.resume(session, folder, settings))


def _check_json_lines(file: str | None) -> None:
    if file is not None and not Path(file).absolute().parent.is_dir():
        raise ConfigError(
            f"the folder of {file} does not exist; create it, or name another file",
            key="--json-lines",
        )


def _tell_finished(session: Session, folder: Path, settings: Sequence[str]) -> None:
    if settings or not session.is_main_process or read_result(folder)["status"] != "finished":
        return
    tell(
        f"minidl: {folder} is finished, and nothing is left to do; to train longer: "
        f"minidl run --resume {folder} --set epochs=N"
    )
