"""Ctrl-C and SIGTERM end a run between two epochs, where its state can be saved."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments.telling import tell
from minidl_plugins_experiments.training.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_plugins_experiments.training.run import Run

__all__ = ["interruptible"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible(run: Run) -> Iterator[None]:
    """Inside the context, finish the epoch first if earlier ones would be lost otherwise.

    The first signal waits for the end of the epoch if the last checkpoint misses a finished epoch,
    and until the observers have heard of a finished one: when the run is resumed, they hear of the
    next.
    A second signal ends the run at once. A run in several processes ends at once: its processes
    could not agree on an epoch.
    """
    alone = type(run.strategy) is Strategy
    if not alone or threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _: Any) -> None:
        settled = run.between_epochs or run.saved_epochs == len(run.epochs)
        if run.stopping or (settled and run.announced):
            raise error_of(number)
        run.stopping = error_of(number)
        last = len(run.epochs) + (not run.between_epochs)
        tell(
            f"minidl: stopping after epoch {last}; press Ctrl-C again to stop at "
            "once, and go back to the last checkpoint"
        )

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def error_of(number: int) -> BaseException:
    """Return what the signal raises: its exit status is 128 + `number`."""
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
