"""``--sweep KEY=VALUES``: every combination of values, trained as one stack where that is possible.

What differs in numbers of the optimizer alone is one run, whose models are all settings times all
restarts. Other keys, such as ``batch_size`` or a layer, need a run for each of their combinations.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments.config.experiment import experiment_of
from minidl_plugins_experiments.config.grid import is_of_optimizer, settings_of
from minidl_plugins_experiments.config.overriding import replaced
from minidl_plugins_experiments.config.problems import problems_named
from minidl_plugins_experiments.files import write_json
from minidl_plugins_experiments.runs.folder import SWEEP, create_folder, read_result
from minidl_plugins_experiments.runs.lock import locked
from minidl_plugins_experiments.runs.member import has_diverged, run_member
from minidl_plugins_experiments.runs.results import now
from minidl_plugins_experiments.runs.schema import SCHEMA
from minidl_plugins_experiments.telling import tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.session import Session

__all__ = ["groups_of", "resume", "start"]

METRICS = ("train_loss", "train_error", "validation_loss", "validation_error", "test_error")


def start(
    session: Session, experiment: Experiment, folder: Path | None
) -> tuple[Path, dict[str, Any]]:
    """Run every setting of the experiment's sweep, in run folders inside `folder`.

    Returns:
        The folder of the sweep and the content of its ``sweep.json``.

    Raises:
        ConfigError: a setting cannot be run. Nothing is written.
        MinidlError: a run failed.
    """
    groups = []
    for number, (values, group) in enumerate(groups_of(experiment), start=1):
        with session.prepared(group) as prepared, problems_named(experiment.file):
            session.strategy.verify(prepared, 0)
            configuration = prepared.experiment.tree()
        groups.append(
            {"folder": f"group-{number}", "values": values, "configuration": configuration}
        )
    summary = {
        "schema": SCHEMA,
        "name": experiment.name,
        "file": experiment.file,
        "status": "running",
        "sweep": experiment.sweep,
        "groups": groups,
        "started": now(),
    }

    def create() -> str:
        return str(create_folder(folder, f"{experiment.name}-sweep", SWEEP, summary))

    folder = Path(session.strategy.broadcast(create))
    with locked(session, folder):
        return folder, _run(session, folder, summary)


def resume(session: Session, folder: Path) -> dict[str, Any]:
    """Run what is left of the sweep in `folder`; return its summary.

    Raises:
        MinidlError: the summary is damaged, or a run failed.
    """
    summary = read_result(folder, SWEEP)
    if summary["status"] == "finished":
        return summary
    with locked(session, folder):
        return _run(session, folder, summary)


def groups_of(experiment: Experiment) -> list[tuple[dict[str, Any], Experiment]]:
    """Return a run for each combination of values that no stack can train, and these values."""
    grid = experiment.sweep
    inside = {key: values for key, values in grid.items() if is_of_optimizer(key, values)}
    if experiment.stop is not None:
        inside = {}  # each setting stops at an epoch of its own
    outside = {key: values for key, values in grid.items() if key not in inside}
    plain = replace(experiment, sweep={}).tree(resolved=False)
    groups = []
    for values in settings_of(outside):
        with problems_named(experiment.file):
            group = experiment_of(
                replaced(plain, values),
                folder=experiment.folder,
                name=experiment.name,
                file=experiment.file,
            )
        groups.append((values, replace(group, sweep=inside)))
    return groups


def _run(session: Session, folder: Path, summary: dict[str, Any]) -> dict[str, Any]:
    one = session.with_options(figures=False)
    settings, results = [], []
    try:
        for group in summary["groups"]:
            experiment = experiment_of(
                group["configuration"], name=summary["name"], file=summary["file"]
            )
            result = run_member(one, experiment, folder / group["folder"])
            settings += _settings(group, experiment, result)
            results.append(result)
    except (KeyboardInterrupt, SystemExit):
        if session.is_main_process:
            command = session.strategy.resume_command(folder)
            tell(f"minidl: the sweep is continued with: {command}")
        raise
    by = "validation_loss" if "validation_loss" in settings[0] else "train_loss"
    summary = {
        **summary,
        "status": "finished",
        "finished": now(),
        "task": results[0]["data"]["task"],
        "by": by,
        "settings": sorted(settings, key=lambda each: _rank(each[by])),
        "stacked": [result["restarts"]["stacked"] for result in results],
        "reasons": [result["restarts"]["reason"] for result in results],
        "training_seconds": [result["timing"]["training_seconds"] for result in results],
    }
    if not session.is_main_process:
        return summary
    if session.options.figures:
        from minidl_plugins_experiments.figures import draw_sweep

        draw_sweep(summary, folder / "figures" / "sweep.png")
        summary["figures"] = ["figures/sweep.png"]
    write_json(folder / SWEEP, summary)
    return summary


def _settings(
    group: Mapping[str, Any],
    experiment: Experiment,
    result: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return each setting of a group, with the metrics of its restarts at the end."""
    last = result["epochs"][-1] if result["epochs"] else {}
    found = []
    for number, values in enumerate(experiment.settings):
        models = slice(number * experiment.restarts, (number + 1) * experiment.restarts)
        metrics = {name: last[name][models] for name in METRICS if name in last}
        if has_diverged(result):
            metrics = {name: [None] * experiment.restarts for name in metrics or METRICS[:2]}
        found.append(
            {
                "values": {**group["values"], **values},
                "folder": group["folder"],
                "first_model": models.start,
                **metrics,
            }
        )
    return found


def _rank(values: Sequence[float | None]) -> float:
    """Return the median, where what diverged is worse than everything."""
    return statistics.median(math.inf if value is None else value for value in values)
