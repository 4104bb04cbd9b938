"""A log of every run: one line of JSON for each event, in the file that ACME_RUN_LOG names.

Nothing is written while the variable is not set. The lines of one run have one ``run``::

    {"run": "4711-1", "event": "started", "what": "..."}
    {"run": "4711-1", "event": "epoch", "epoch": 1, "metrics": {"loss": 0.25}}
    {"run": "4711-1", "event": "finished", "error": null}
"""

from __future__ import annotations

import itertools
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minidl_core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["minidl_epoch_ended", "minidl_run_finished", "minidl_run_started"]

_count = itertools.count(1)
_names: dict[int, str] = {}  # by the identity of a run that is not finished


@hookimpl(optionalhook=True)  # whoever has the experiments calls it
def minidl_run_started(run: Any) -> None:
    _names.pop(id(run), None)
    _write(run, event="started", what=str(run))


@hookimpl(optionalhook=True)
def minidl_epoch_ended(run: Any, epoch: int, metrics: Mapping[str, float]) -> None:
    _write(run, event="epoch", epoch=epoch, metrics={k: _json(v) for k, v in metrics.items()})


@hookimpl(optionalhook=True)
def minidl_run_finished(run: Any, error: BaseException | None) -> None:
    reason = None if error is None else f"{type(error).__name__}: {error}"
    _write(run, event="finished", error=reason)
    _names.pop(id(run), None)


def _write(run: Any, **event: Any) -> None:
    file = os.environ.get("ACME_RUN_LOG")
    if not file:
        return
    if id(run) not in _names:
        _names[id(run)] = f"{os.getpid()}-{next(_count)}"
    line = json.dumps({"run": _names[id(run)], **event}, ensure_ascii=False)
    with Path(file).open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def _json(number: float) -> float | str:
    """A number as JSON has it, which knows no NaN and no infinity."""
    number = float(number)
    return number if math.isfinite(number) else str(number)
