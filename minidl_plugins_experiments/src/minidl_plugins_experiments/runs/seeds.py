"""``--seeds N``: one experiment from several seeds, to see the spread of its results."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minidl_core import MinidlError
from minidl_plugins_experiments.config.experiment import experiment_of
from minidl_plugins_experiments.config.problems import ConfigError, problems_named
from minidl_plugins_experiments.files import write_json
from minidl_plugins_experiments.runs import execute
from minidl_plugins_experiments.runs.folder import RESULT, SEEDS, create_folder, read_result
from minidl_plugins_experiments.runs.formatting import format_error
from minidl_plugins_experiments.runs.results import now
from minidl_plugins_experiments.runs.schema import SCHEMA

if TYPE_CHECKING:
    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.session import Session

__all__ = ["resume", "start"]


def start(
    session: Session, experiment: Experiment, count: int, folder: Path | None
) -> tuple[Path, dict[str, Any]]:
    """Run `count` seeds from the experiment's on, each in a run folder inside `folder`.

    Returns:
        The folder of the series and the content of its ``seeds.json``.

    Raises:
        ConfigError: the experiment cannot be run. Nothing is written.
        MinidlError: a run failed.
    """
    if experiment.seed + count > 2**63:
        raise ConfigError(
            f"{count} seeds from {experiment.seed} on go beyond 2^63; take a smaller seed",
            key="seed",
        )
    with session.prepared(experiment) as prepared, problems_named(experiment.file):
        session.strategy.verify(prepared, 0)
    resolved = prepared.experiment  # `optional` is decided: a resumed series has no more of it
    summary = {
        "schema": SCHEMA,
        "name": experiment.name,
        "file": experiment.file,
        "status": "running",
        "configuration": resolved.tree(),
        "seeds": list(range(experiment.seed, experiment.seed + count)),
        "started": now(),
    }

    def create() -> str:
        return str(create_folder(folder, f"{experiment.name}-seeds", SEEDS, summary))

    folder = Path(session.strategy.broadcast(create))
    return folder, _run_seeds(session, folder, summary, resolved)


def resume(session: Session, folder: Path) -> dict[str, Any]:
    """Run the seeds of the series in `folder` that are left; return its summary.

    Raises:
        MinidlError: the summary is damaged, or a run failed.
    """
    summary = read_result(folder, SEEDS)
    if summary.get("status") == "finished":
        return summary
    try:
        experiment = experiment_of(
            summary["configuration"], name=summary["name"], file=summary["file"]
        )
        return _run_seeds(session, folder, summary, experiment)
    except KeyError as error:
        raise MinidlError(f"{folder / SEEDS} is damaged: it has no {error}") from error


def _run_seeds(
    session: Session, folder: Path, summary: dict[str, Any], experiment: Experiment
) -> dict[str, Any]:
    options, one = session.options, session.with_options(quiet=True, figures=False)
    results = []
    for seed in summary["seeds"]:
        place = folder / f"seed-{seed}"
        if session.strategy.broadcast((place / RESULT).exists):
            result = execute.resume(one, place)
        else:
            _, result = execute.start(one, experiment.with_seed(seed), place)
        results.append(result)
        if not options.quiet and session.is_main_process:
            error = format_error(_test_error(result), result["data"]["task"])
            click.echo(f"seed {seed}: test error {error}", err=True)
    summary = {**summary, "status": "finished", "finished": now(), **_distribution(results)}
    if not session.is_main_process:
        return summary
    if options.figures:
        from minidl_plugins_experiments.figures import draw_seeds

        (folder / "figures").mkdir(exist_ok=True)
        draw_seeds(results, folder / "figures" / "seeds.png")
        summary["figures"] = ["figures/seeds.png"]
    write_json(folder / SEEDS, summary)
    return summary


def _distribution(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Return best, median and worst test error over the seeds, and that of each seed."""
    errors = [_test_error(result) for result in results]
    restarts = [result["restarts"] for result in results]
    return {
        "task": results[0]["data"]["task"],
        "test_errors": errors,
        "best": min(errors),
        "median": statistics.median(errors),
        "worst": max(errors),
        "dead": sum(len(each["dead"]) for each in restarts),
        "restarts": sum(each["count"] for each in restarts),
        "training_seconds": [result["timing"]["training_seconds"] for result in results],
    }


def _test_error(result: dict[str, Any]) -> float:
    error = result["final"].get("test_error")
    return float("inf") if error is None else float(error)
