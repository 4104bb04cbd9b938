"""The facts that must be equal on every rank."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments import fingerprint, state_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minidl_plugins_experiments import Experiment, Prepared

__all__ = ["facts_before", "facts_once_built"]


def facts_before(experiment: Experiment, versions: Mapping[str, str]) -> dict[str, Any]:
    """Return the facts that are known before anything is built: configuration and versions."""
    return {
        **experiment.tree(),
        "versions": {"python": platform.python_version(), **versions},
    }


def facts_once_built(prepared: Prepared, epochs_done: int) -> dict[str, Any]:
    """Return the facts about what was built: the data, and the checkpoint of a resumed run."""
    facts: dict[str, Any] = {
        "engine": prepared.engine_name,
        "epochs done": epochs_done,
        "data": fingerprint(prepared.data),
    }
    if epochs_done:
        facts["checkpoint"] = state_digest(prepared.states)
    return facts
