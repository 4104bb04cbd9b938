"""What ``result.json`` says; docs/run-folder.md describes it key by key."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments.training.metrics import dead_above, dead_starts, for_json
from minidl_plugins_experiments.runs.provenance import (
    components_of,
    distributions_of,
    fingerprint,
    machine,
)
from minidl_plugins_experiments.runs.folder import SCHEMA

if TYPE_CHECKING:
    from minidl_core import Registry
    from minidl_plugins_experiments.training.preparing import Prepared
    from minidl_plugins_experiments.training.run import Run

__all__ = ["finished", "first", "now", "starts_of"]


def first(name: str, file: str, prepared: Prepared, registry: Registry) -> dict[str, Any]:
    """The result of a run that has only begun: all that is known before the first step."""
    data, experiment = prepared.data, prepared.experiment
    rows = {
        part: len(getattr(data, part).x)
        for part in ("train", "test", "validation")
        if getattr(data, part) is not None
    }
    return {
        "schema": SCHEMA,
        "run": uuid.uuid4().hex,
        "name": name,
        "file": file,
        "status": "running",
        "error": None,
        "configuration": experiment.tree(),
        "seeds": {"seed": experiment.seed, "weights": prepared.weights_seed},
        "components": components_of(prepared.components),
        "distributions": distributions_of(registry),
        "machine": machine(prepared.device),
        "data": {
            "task": data.task,
            "features": data.train.x.shape[1],
            "outputs": data.train.y.shape[1],
            "rows": rows,
            "notes": for_json(dict(data.notes)),
            "fingerprint": fingerprint(data),
        },
        "model": {"parameters": prepared.parameters, "description": prepared.description},
        "starts": {
            "count": experiment.starts,
            "stacked": bool(prepared.lanes[0].models),
            "reason": prepared.why_not_stacked,
            "dead": [],
            "dead_above": for_json(dead_above(data)),
            "selected": None,
            "by": experiment.select_on,
        },
        "epochs": [],
        "final": {},
        "warnings": [],
        "figures": [],
        "timing": {"started": now(), "finished": None, "resumed": 0},
    }


def finished(result: dict[str, Any], run: Run, error: BaseException | None) -> dict[str, Any]:
    """`result` with what came of the run, which `error` ended early unless it is None."""
    return {
        **result,
        "status": "finished" if error is None else "failed",
        "error": None if error is None else f"{type(error).__name__}: {error}",
        "starts": {**result["starts"], **starts_of(run)},
        "epochs": run.epochs,
        "final": for_json(run.figures_of_best()) if run.epochs else {},
        "timing": {
            **result["timing"],
            "finished": now(),
            "training_seconds": run.training_seconds,
            "total_seconds": run.total_seconds,
        },
    }


def starts_of(run: Run) -> dict[str, Any]:
    """Which starts are dead, and which is selected, as of the latest epoch."""
    if not run.epochs:
        return {}
    last = run.epochs[-1]
    return {
        "dead": dead_starts(last["train_loss"], last["train_error"], dead_above(run.data)),
        "selected": run.selected(),
    }


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
