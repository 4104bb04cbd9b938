"""What ``minidl run`` does with its arguments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from minidl_plugins_experiments.commands import printing
from minidl_plugins_experiments.commands.printing_sweeps import print_sweep
from minidl_plugins_experiments.config.grid import swept
from minidl_plugins_experiments.config.loading import load_experiment
from minidl_plugins_experiments.config.problems import ConfigError, problems_named
from minidl_plugins_experiments.runs import execute, seeds, sweep
from minidl_plugins_experiments.runs.folder import check_output, is_series, is_sweep, read_result
from minidl_plugins_experiments.telling import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.session import Session

__all__ = ["load", "resume", "start"]


def load(file: str, settings: Sequence[str], sweeps: Sequence[str]) -> Experiment:
    """Return the experiment in `file`, with values replaced and others swept.

    Raises:
        ConfigError: it cannot be read, or something in it is wrong.
    """
    with problems_named(file):
        return load_experiment(file, settings, swept(sweeps))


def start(
    session: Session,
    experiment: Experiment,
    output: Path | None,
    count: int | None,
    *,
    dry_run: bool,
) -> None:
    """Run `experiment` and print its result.

    Args:
        output: the folder for the results; a fresh one if left out.
        count: how many seeds to run; one run without ``--seeds`` if left out.
        dry_run: whether to check everything, and train and write nothing.

    Raises:
        ConfigError: the experiment cannot be run. Nothing is written.
        MinidlError: it failed while it ran.
    """
    with problems_named(experiment.file):
        if count is not None and experiment.sweep:
            seed = experiment.seed
            raise ConfigError(
                "seeds are swept as other values are: leave --seeds out, and write --sweep "
                f"seed={seed},{seed + 1},{seed + 2}",
                key="--seeds",
            )
        if output is not None:
            check_output(output)
        _check_json_lines(session.options.json_lines)
    if dry_run:
        for _, group in sweep.groups_of(experiment):
            with session.prepared(group) as prepared, problems_named(experiment.file):
                session.strategy.verify(prepared, 0)
            printing.print_dry_run(session, prepared)
    elif experiment.sweep:
        print_sweep(session, *sweep.start(session, experiment, output))
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
    if is_series(folder) or is_sweep(folder):
        if settings:
            raise ConfigError(
                f"{folder} is a series of runs, which is continued as it was started; start a "
                "new one with other values",
                key="--set",
            )
        if is_sweep(folder):
            print_sweep(session, folder, sweep.resume(session, folder))
        else:
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
