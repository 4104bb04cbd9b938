"""Whether the steps of a model are traced, and if not, why."""

from __future__ import annotations

from typing import Any

from minidl_plugins_engines.inventory import MODEL, SCOPES, WHOLE, ZEROING, Inventory
from minidl_plugins_engines.reads import Reads
from minidl_plugins_engines.refusals import NotTraceableError
from minidl_plugins_engines.remembered import all_remembered

__all__ = ["explain"]

TRACED = {
    WHOLE: "the whole step is traced",
    ZEROING: "all but the optimizer's step is traced",
    MODEL: "forward, loss and backward are traced, and the optimizer is called as it is written",
}


def explain(model: Any, loss: Any, optimizer: Any) -> str:
    """Say whether the steps of these three are traced, and what is in the way if they are not.

    After some steps this tells what an engine has done. Before, it tells what can be said by
    looking: an operation that cannot be traced shows only when a step is tried.
    """
    known = all_remembered(model, loss, optimizer)
    for steps in known:
        if steps.traces:
            return _with_reason(TRACED[steps.traces[0].scope], steps.obstacle)
    for steps in known:
        if steps.refusal:
            return f"not traced: {steps.refusal}"
    obstacle = None
    for scope in SCOPES:
        try:
            Reads(Inventory(model, loss, optimizer, scope).components)
        except NotTraceableError as reason:
            obstacle = obstacle or str(reason)
            if scope == MODEL:
                return f"not traced: {reason}"
        else:
            return _with_reason(TRACED[scope].replace("is traced", "can be traced"), obstacle)
    raise AssertionError("one of the scopes is the last")


def _with_reason(what: str, obstacle: str | None) -> str:
    return f"{what}; {obstacle}" if obstacle else what
