"""``--seeds N``: one experiment from several seeds, to see the spread of its results."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments.config.experiment import experiment_of
from minidl_plugins_experiments.config.problems import ConfigError, problems_named
from minidl_plugins_experiments.files import write_json
from minidl_plugins_experiments.runs.folder import SEEDS, create_folder, read_result
from minidl_plugins_experiments.runs.formatting import format_error
from minidl_plugins_experiments.runs.lock import locked
from minidl_plugins_experiments.runs.member import has_diverged, run_member
from minidl_plugins_experiments.runs.results import now
from minidl_plugins_experiments.runs.schema import SCHEMA
from minidl_plugins_experiments.telling import tell
from minidl_plugins_experiments.training.metrics import for_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
            f"{count} seeds from {experiment.seed} on go beyond 2^63 - 1, the largest seed; take a "
            "smaller one",
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
    with locked(session, folder):
        return folder, _run_seeds(session, folder, summary, resolved)


def resume(session: Session, folder: Path) -> dict[str, Any]:
    """Run the seeds of the series in `folder` that are left; return its summary.

    Raises:
        MinidlError: the summary is damaged, or a run failed.
    """
    summary = read_result(folder, SEEDS)
    if summary.get("status") == "finished":
        return summary
    experiment = experiment_of(summary["configuration"], name=summary["name"], file=summary["file"])
    with locked(session, folder):
        return _run_seeds(session, folder, summary, experiment)


def _run_seeds(
    session: Session, folder: Path, summary: dict[str, Any], experiment: Experiment
) -> dict[str, Any]:
    options, one = session.options, session.with_options(quiet=True, figures=False)
    results = []
    try:
        for seed in summary["seeds"]:
            result = run_member(one, experiment.with_seed(seed), folder / f"seed-{seed}")
            results.append(result)
            if not options.quiet and session.is_main_process:
                error = format_error(_test_error(result), result["data"]["task"])
                tell(f"seed {seed}: test error {error}")
    except (KeyboardInterrupt, SystemExit):
        if session.is_main_process:
            command = session.strategy.resume_command(folder)
            tell(f"minidl: the series is continued with: {command}")
        raise
    summary = {**summary, "status": "finished", "finished": now(), **distribution(results)}
    if not session.is_main_process:
        return summary
    if options.figures:
        from minidl_plugins_experiments.figures import draw_seeds

        (folder / "figures").mkdir(exist_ok=True)
        draw_seeds(results, folder / "figures" / "seeds.png")
        summary["figures"] = ["figures/seeds.png"]
    write_json(folder / SEEDS, summary)
    return summary


def distribution(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return best, median and worst test error over the seeds, and that of each seed.

    A seed without a finite test error counts as worse than every other. So the median is a number
    as long as more than half of the seeds have one; a number that there is not is None.
    """
    errors = [_test_error(result) for result in results]
    ranked = [math.inf if error is None else error for error in errors]
    restarts = [result["restarts"] for result in results]
    return {
        "task": results[0]["data"]["task"],
        "test_errors": errors,
        "best": for_json(min(ranked)),
        "median": for_json(statistics.median(ranked)),
        "worst": for_json(max(ranked)),
        "diverged": sum(error is None for error in errors),
        "dead": sum(len(each["dead"]) for each in restarts),
        "restarts": sum(each["count"] for each in restarts),
        "training_seconds": [result["timing"]["training_seconds"] for result in results],
    }


def _test_error(result: Mapping[str, Any]) -> float | None:
    error = result["final"].get("test_error")
    return None if has_diverged(result) or error is None else float(error)
