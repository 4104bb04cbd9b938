"""The observer that stores snapshots of each run, from which ``minidl report`` makes its page."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from minidl_core import hookimpl

if TYPE_CHECKING:
    from minidl_plugins_inspect.snapshots.recorder import Recorder

__all__ = ["minidl_epoch_ended", "minidl_run_finished", "minidl_run_started"]

_recorders: weakref.WeakKeyDictionary[Any, Recorder] = weakref.WeakKeyDictionary()


@hookimpl
def minidl_run_started(run: Any) -> None:
    from minidl_plugins_inspect.snapshots.recorder import Recorder

    recorder = _recorders[run] = Recorder(run)
    if not run.epochs:
        recorder.take(run, 0)


@hookimpl
def minidl_epoch_ended(run: Any, epoch: int) -> None:
    if run in _recorders:
        _recorders[run].take(run, epoch)


@hookimpl
def minidl_run_finished(run: Any, error: BaseException | None) -> None:
    recorder = _recorders.pop(run, None)
    if recorder is not None:
        recorder.save() if error else recorder.finish(run)
