"""The hooks that ``minidl run`` calls. Mark an implementation with ``minidl_core.hookimpl``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minidl_plugins_experiments import Run, Strategy


@hookspec
def minidl_run_started(run: Run) -> None:
    """Training begins, or a stopped run continues."""


@hookspec
def minidl_epoch_ended(run: Run, epoch: int, metrics: Mapping[str, float]) -> None:
    """Epoch number `epoch`, counted from 1, ended; `metrics` are those of the best restart."""


@hookspec
def minidl_run_finished(run: Run, error: BaseException | None) -> None:
    """The run is over; `error` ended it early, unless it is None."""


@hookspec
def minidl_strategy() -> Strategy | None:
    """Return how this process executes runs, or None. At most one plugin may return a strategy.

    It is called once for each ``minidl run``, before the experiment is read. An error ends the
    command.
    """
