"""An observer that writes a line of JSON for each event of a run.

The file is that of ``minidl run --json-lines``, or of the environment variable
``MINIDL_JSON_LINES``. Without either, nothing is written::

    {"run": "4f…", "time": 1700000000.0, "event": "started", "name": "disk", "folder": "runs/disk-1", "seed": 3}
    {"run": "4f…", "time": 1700000000.1, "event": "epoch", "epoch": 1, "metrics": {"train_loss": 0.2}}
    {"run": "4f…", "time": 1700000000.4, "event": "finished", "error": null}
"""  # noqa: E501 - a line of JSON is a line

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minidl_core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["minidl_epoch_ended", "minidl_run_finished", "minidl_run_started"]


@hookimpl
def minidl_run_started(run: Any) -> None:
    experiment = getattr(run, "experiment", None)
    _write(
        run,
        event="started",
        name=getattr(run, "name", str(run)),
        folder=str(getattr(run, "folder", "")),
        seed=getattr(experiment, "seed", None),
    )


@hookimpl
def minidl_epoch_ended(run: Any, epoch: int, metrics: Mapping[str, float]) -> None:
    finite = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
    _write(run, event="epoch", epoch=epoch, metrics=finite)


@hookimpl
def minidl_run_finished(run: Any, error: BaseException | None) -> None:
    reason = None if error is None else f"{type(error).__name__}: {error}"
    _write(run, event="finished", error=reason)


def _write(run: Any, **event: Any) -> None:
    file = getattr(run, "json_lines", None) or os.environ.get("MINIDL_JSON_LINES")
    if not file:
        return
    line = {"run": getattr(run, "id", str(id(run))), "time": time.time(), **event}
    with Path(file).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")
