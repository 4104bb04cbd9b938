"""One run, from the first file in its folder to the last."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from minidl_core import MinidlError
from minidl_plugins_experiments.config.problems import ConfigError, problems_named
from minidl_plugins_experiments.data.fingerprint import fingerprint
from minidl_plugins_experiments.files import write_json
from minidl_plugins_experiments.runs import results
from minidl_plugins_experiments.runs.continuing import continued, data_problem
from minidl_plugins_experiments.runs.finish import finish
from minidl_plugins_experiments.runs.folder import RESULT, create_folder, read_result
from minidl_plugins_experiments.runs.lock import locked
from minidl_plugins_experiments.telling import standard_error, tell
from minidl_plugins_experiments.training.checkpoint_file import CHECKPOINT, read_checkpoint
from minidl_plugins_experiments.training.interrupting import interruptible
from minidl_plugins_experiments.training.progress_display import progress_for
from minidl_plugins_experiments.training.run import Run
from minidl_plugins_experiments.training.saving import (
    Saver,
    configuration_digest,
    restore,
    try_to_save,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.session import Session

__all__ = ["resume", "start"]


def start(
    session: Session, experiment: Experiment, folder: Path | None
) -> tuple[Path, dict[str, Any]]:
    """Run `experiment` from its first epoch, in `folder` or in a fresh one.

    Returns:
        The run folder and the content of its ``result.json``.

    Raises:
        ConfigError: it cannot be run. Nothing is written.
        MinidlError: it failed while it ran.
    """
    with session.prepared(experiment) as prepared:
        with problems_named(experiment.file):
            session.strategy.verify(prepared, 0)
        result = results.first(prepared, session.versions())

        def create() -> list[str]:
            return [result["run"], str(create_folder(folder, experiment.name, RESULT, result))]

        result["run"], place = session.strategy.broadcast(create)
        run = Run(
            prepared, session.strategy, result["run"], Path(place), session.options.json_lines
        )
        with locked(session, run.folder):
            return run.folder, _train(session, run, result)


def resume(session: Session, folder: Path, settings: Sequence[str] = ()) -> dict[str, Any]:
    """Continue the run in `folder` from its latest checkpoint; return its result.

    Args:
        settings: what may still change: more epochs, or a new place of the data.

    Raises:
        ConfigError: a setting may not change any more.
        MinidlError: the folder has no run, or the run cannot be resumed.
    """
    result = read_result(folder)
    if result["status"] == "finished" and not settings:
        return result
    with locked(session, folder):
        result = read_result(folder)  # another process may have finished it meanwhile
        with problems_named(str(folder)):
            experiment = continued(folder, result, settings)
        with session.prepared(experiment, broken_data=_moved(folder, result)) as prepared:
            if fingerprint(prepared.data) != result["data"]["fingerprint"]:
                raise data_problem(
                    folder,
                    "the data has changed since the run began; put the old data back, or start a "
                    "new run",
                    result["configuration"],
                )
            if result.get("origin", prepared.origin) != prepared.origin:
                raise MinidlError(
                    f"{folder}: the weights that the run began with have changed, in "
                    f"{experiment.weights}; put them back, or start a new run"
                )
            _warn_of_versions(session, result["distributions"])
            run = Run(prepared, session.strategy, result["run"], folder, session.options.json_lines)
            if (folder / CHECKPOINT).exists():
                restore(run, read_checkpoint(folder / CHECKPOINT, run.id))
            _check_length(run)
            session.strategy.verify(prepared, len(run.epochs))
            result["timing"]["resumed"] = result["timing"].get("resumed", 0) + 1
            result["engine"] = prepared.engine_name
            result["configuration"] = run.configuration
            result["digest"] = configuration_digest(run.configuration)
            result["status"], result["error"] = "running", None
            return _train(session, run, result, resumed=True)


def _moved(folder: Path, result: dict[str, Any]) -> Any:
    return lambda problem: data_problem(folder, problem, result["configuration"])


def _check_length(run: Run) -> None:
    done, epochs = len(run.epochs), run.experiment.epochs
    if done > epochs:
        raise ConfigError(
            f"the run has {done} epochs already, and it cannot be made shorter; write "
            f"epochs = {done + 1} or more",
            key="--set epochs",
        )


def _warn_of_versions(session: Session, old: dict[str, str]) -> None:
    for name, version in session.versions().items():
        if old.get(name, version) != version and session.is_main_process:
            tell(
                f"minidl: {name} is {version} now and was {old[name]} when the run began; the "
                "bits may differ"
            )


def _train(
    session: Session, run: Run, result: dict[str, Any], *, resumed: bool = False
) -> dict[str, Any]:
    """Train the epochs that are left, and write everything the run leaves behind."""
    options, error = session.options, None
    run.strategy.started(run.folder)
    try:
        if resumed and session.is_main_process:
            write_json(run.folder / RESULT, result)
        with interruptible(run):
            session.notify("minidl_run_started", run=run)
            with progress_for(
                standard_error(),
                options.quiet or not session.is_main_process,
                shares=run.data.task == "classification",
            ) as progress:
                progress.start(
                    run.experiment.epochs,
                    run.steps_per_epoch * len(run.states),
                    run.experiment.models,
                )
                if run.epochs:
                    progress.epoch(len(run.epochs), run.best_metrics())
                saver = Saver(run, options.checkpoint_seconds)
                for metrics in run.train(progress):
                    progress.epoch(len(run.epochs), metrics)
                    session.notify(
                        "minidl_epoch_ended", run=run, epoch=len(run.epochs), metrics=metrics
                    )
                    run.announced = True
                    saver.epoch_ended()
            if not session.is_main_process:
                return results.finished(result, run, None)
            return finish(run, result, figures=options.figures)
    except BaseException as caught:
        error = caught
        _fail(session, run, result, caught)
        raise
    finally:
        session.notify("minidl_run_finished", run=run, error=error)


def _fail(session: Session, run: Run, result: dict[str, Any], error: BaseException) -> None:
    """Say how to resume, or record the error in ``result.json``."""
    command = run.strategy.resume_command(run.folder)
    if isinstance(error, OSError):
        raise MinidlError(
            f"{run.folder} could not be written ({error}); once that is repaired, resume with: "
            f"{command}"
        ) from error
    if not session.is_main_process:
        return
    if isinstance(error, Exception):
        write_json(run.folder / RESULT, results.finished(result, run, error))
        return
    if run.between_epochs and run.saved_epochs < len(run.epochs):
        try_to_save(run)
    tell(f"minidl: stopped; {run.saved_epochs} epochs are saved; resume with: {command}")
