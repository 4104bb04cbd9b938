"""One run, from the first file in its folder to the last."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minidl_core import MinidlError
from minidl_plugins_experiments.config.experiment import experiment_of
from minidl_plugins_experiments.config.problems import problems_named
from minidl_plugins_experiments.data.fingerprint import fingerprint
from minidl_plugins_experiments.files import write_json
from minidl_plugins_experiments.runs import results
from minidl_plugins_experiments.runs.finish import finish
from minidl_plugins_experiments.runs.folder import RESULT, create_folder, read_result
from minidl_plugins_experiments.training.checkpoint_file import CHECKPOINT, read_checkpoint
from minidl_plugins_experiments.training.progress_display import progress_for
from minidl_plugins_experiments.training.run import Run

if TYPE_CHECKING:
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
        return run.folder, _train(session, run, result)


def resume(session: Session, folder: Path) -> dict[str, Any]:
    """Continue the run in `folder` from its latest checkpoint; return its result.

    Raises:
        MinidlError: the folder has no run, or the run cannot be resumed.
    """
    result = read_result(folder)
    if result["status"] == "finished":
        return result
    try:
        experiment = experiment_of(
            result["configuration"], name=result["name"], file=str(folder / RESULT)
        )
        run_id, old_versions = result["run"], result["distributions"]
        old_fingerprint = result["data"]["fingerprint"]
    except (KeyError, TypeError) as error:
        raise MinidlError(f"{folder / RESULT} is damaged: it has no {error}") from error
    with session.prepared(experiment) as prepared:
        if fingerprint(prepared.data) != old_fingerprint:
            raise MinidlError(
                f"{folder}: the data has changed since the run began; put the old data back, or "
                "start a new run"
            )
        _warn_of_versions(session, old_versions)
        run = Run(prepared, session.strategy, run_id, folder, session.options.json_lines)
        if (folder / CHECKPOINT).exists():
            run.restore(read_checkpoint(folder / CHECKPOINT, run.id))
        session.strategy.verify(prepared, len(run.epochs))
        result["timing"]["resumed"] = result["timing"].get("resumed", 0) + 1
        result["engine"] = prepared.engine_name
        result["status"], result["error"] = "running", None
        return _train(session, run, result)


def _warn_of_versions(session: Session, old: dict[str, str]) -> None:
    for name, version in session.versions().items():
        if old.get(name, version) != version and session.is_main_process:
            print(
                f"minidl: {name} is {version} now and was {old[name]} when the run began; the "
                "bits may differ",
                file=sys.stderr,
            )


def _train(session: Session, run: Run, result: dict[str, Any]) -> dict[str, Any]:
    """Train the epochs that are left, and write everything the run leaves behind."""
    options, error = session.options, None
    run.strategy.started(run.folder)
    try:
        session.notify("minidl_run_started", run=run)
        quiet = options.quiet or not session.is_main_process
        shares = run.data.task == "classification"
        with progress_for(sys.stderr, quiet, shares=shares) as progress:
            progress.start(
                run.experiment.epochs,
                run.steps_per_epoch * len(run.states),
                run.experiment.restarts,
            )
            if run.epochs:
                progress.epoch(len(run.epochs), run.best_metrics())
            for metrics in run.train(progress, options.checkpoint_seconds):
                progress.epoch(len(run.epochs), metrics)
                session.notify(
                    "minidl_epoch_ended", run=run, epoch=len(run.epochs), metrics=metrics
                )
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
    if isinstance(error, KeyboardInterrupt):
        print(f"minidl: stopped; resume with: {command}", file=sys.stderr)
    elif isinstance(error, Exception):
        write_json(run.folder / RESULT, results.finished(result, run, error))
