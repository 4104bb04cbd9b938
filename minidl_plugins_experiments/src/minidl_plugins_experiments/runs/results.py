"""The content of ``result.json``; docs/run-folder.md describes every key."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments.config.data_checks import rows_as_text
from minidl_plugins_experiments.data.fingerprint import fingerprint
from minidl_plugins_experiments.runs.provenance import components_of, machine
from minidl_plugins_experiments.runs.schema import SCHEMA
from minidl_plugins_experiments.training.metrics import dead_above, dead_restarts, for_json
from minidl_plugins_experiments.training.saving import configuration_digest

if TYPE_CHECKING:
    from minidl_plugins_experiments.training.preparing import Prepared
    from minidl_plugins_experiments.training.run import Run

__all__ = ["finished", "first", "now"]


def first(prepared: Prepared, versions: dict[str, str]) -> dict[str, Any]:
    """Return the result of a run before its first step.

    Args:
        versions: the version of each distribution that takes part.
    """
    data, experiment = prepared.data, prepared.experiment
    rows = {
        part: len(getattr(data, part).x)
        for part in ("train", "test", "validation")
        if getattr(data, part) is not None
    }
    return {
        "schema": SCHEMA,
        "run": uuid.uuid4().hex,
        "name": experiment.name,
        "file": experiment.file,
        "status": "running",
        "error": None,
        "configuration": experiment.tree(),
        "digest": configuration_digest(experiment.tree()),
        "seeds": {"seed": experiment.seed, "weights": prepared.weights_seed},
        "components": components_of(prepared.components),
        "distributions": versions,
        "engine": prepared.engine_name,
        "machine": machine(prepared.device),
        "data": {
            "task": data.task,
            "features": data.train.x[0].numel(),
            "outputs": data.train.y[0].numel(),
            "inputs": rows_as_text(data.train.x),
            "targets": rows_as_text(data.train.y),
            "rows": rows,
            "notes": for_json(dict(data.notes)),
            "fingerprint": fingerprint(data),
        },
        "model": {"parameters": prepared.parameters, "description": prepared.description},
        "origin": prepared.origin,
        "restarts": {
            "count": experiment.models,
            "stacked": bool(prepared.states[0].models),
            "reason": prepared.why_not_stacked,
            "dead": [],
            "dead_above": for_json(dead_above(data)),
            "selected": None,
            "by": experiment.stop["on"] if experiment.stop else experiment.select_on,
        },
        "epochs": [],
        "final": {},
        "final_in_units": None,
        "kept": None,
        "units": [],
        "baseline": None,
        "warnings": [],
        "figures": [],
        "timing": {"started": now(), "finished": None, "resumed": 0},
    }


def finished(result: dict[str, Any], run: Run, error: BaseException | None) -> dict[str, Any]:
    """Return `result` completed at the end of the run; `error` ended it early, unless None."""
    return {
        **result,
        "status": "finished" if error is None else "failed",
        "error": None if error is None else f"{type(error).__name__}: {error}",
        "restarts": {**result["restarts"], **_restarts_of(run)},
        "epochs": run.epochs,
        "final": for_json(run.best_metrics(run.kept_epoch())) if run.epochs else {},
        "kept": _kept(run) if run.epochs else None,
        "timing": {
            **result["timing"],
            "finished": now(),
            "training_seconds": run.training_seconds,
            "total_seconds": run.total_seconds,
        },
    }


def _restarts_of(run: Run) -> dict[str, Any]:
    """Return which restarts are dead and which is selected after the latest epoch."""
    if not run.epochs:
        return {}
    last = run.epochs[-1]
    return {
        "dead": dead_restarts(last["train_loss"], last["train_error"], dead_above(run.data)),
        "selected": run.selected(),
    }


def _kept(run: Run) -> dict[str, Any]:
    """Return whose weights are kept: of which epoch, and which metric chose it."""
    return {
        "epoch": run.kept_epoch(),
        "by": run.best.on if run.best else None,
        "stopped_early": bool(run.best) and len(run.epochs) < run.experiment.epochs,
    }


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
