"""One run of a series of runs, such as one seed: begun, or continued where it stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import NonFiniteError
from minidl_plugins_experiments.runs import execute
from minidl_plugins_experiments.runs.folder import RESULT, read_result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.session import Session

__all__ = ["has_diverged", "run_member"]


def run_member(session: Session, experiment: Experiment, place: Path) -> dict[str, Any]:
    """Run `experiment` in `place`, or resume it there; return its result.

    A run that diverged is left as it is.
    """
    begun = session.strategy.broadcast((place / RESULT).exists)
    try:
        if not begun:
            return execute.start(session, experiment, place)[1]
        result = read_result(place)
        return result if has_diverged(result) else execute.resume(session, place)
    except NonFiniteError:
        return dict(session.strategy.broadcast(lambda: read_result(place)))


def has_diverged(result: Mapping[str, Any]) -> bool:
    """Return whether the run ended because no loss was finite any more."""
    error = str(result.get("error") or "")
    return result["status"] == "failed" and error.partition(":")[0].startswith("NonFinite")
