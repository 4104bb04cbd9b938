"""The progress of a run: what a display of it is told, and the displays without a terminal."""

from __future__ import annotations

import math
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Lines", "Progress", "Quiet", "format_metric"]

LINE_SECONDS = 30.0  # after so long without a line, the next epoch prints one


class Progress(Protocol):
    """A display of progress, and a context manager that finishes it."""

    def start(self, epochs: int, steps_per_epoch: int, restarts: int) -> None:
        """Announce how many steps the run takes, and how many restarts it trains."""

    def step(self) -> None:
        """Count one step."""

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Show the metrics of epoch number `epoch`, counted from 1."""

    def finish(self) -> None:
        """End the display. Further calls do nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Quiet:
    """Shows nothing, and counts the steps for the displays that derive from it."""

    def __init__(self) -> None:
        self.epochs = self.steps_per_epoch = 0
        self.restarts = 1
        self.ended = 0  # the number of the last epoch that ended
        self.steps = 0  # in this process, without those before the run was resumed
        self.left = 0
        self.began = monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.finish()

    def start(self, epochs: int, steps_per_epoch: int, restarts: int) -> None:
        self.epochs, self.steps_per_epoch, self.restarts = epochs, steps_per_epoch, restarts
        self.ended, self.steps, self.left = 0, 0, epochs * steps_per_epoch
        self.began = monotonic()

    def step(self) -> None:
        self.steps += 1
        self.left -= 1

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        self.ended = epoch
        self.left = (self.epochs - epoch) * self.steps_per_epoch

    def finish(self) -> None:
        pass

    def seconds(self) -> float:
        """Return the time since the start."""
        return monotonic() - self.began

    def speed(self) -> float:
        """Return steps per second, with evaluations; 0 before the first step."""
        seconds = self.seconds()
        return self.steps / seconds if seconds > 0 else 0.0

    def pace(self) -> str:
        """Return speed and time left in words, at the end the time taken; nothing if unknown."""
        speed = self.speed()
        if not speed:
            return ""
        time = (
            f"{duration(self.left / speed)} left"
            if self.left > 0
            else f"took {duration(self.seconds())}"
        )
        return f"{speed:,.0f} steps/s  {time}"


class Lines(Quiet):
    """Prints a line after each tenth of the epochs, and at least one in half a minute."""

    def __init__(self, stream: TextIO, shares: bool) -> None:
        super().__init__()
        self.stream, self.shares = stream, shares
        self.next_line = 0.0

    def start(self, epochs: int, steps_per_epoch: int, restarts: int) -> None:
        super().start(epochs, steps_per_epoch, restarts)
        self.next_line = self.began + LINE_SECONDS

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        super().epoch(epoch, metrics)
        tenth = epoch * 10 // self.epochs > (epoch - 1) * 10 // self.epochs
        if not tenth and monotonic() < self.next_line:
            return
        self.next_line = monotonic() + LINE_SECONDS
        shown = [format_metric(name, value, self.shares) for name, value in metrics.items()]
        line = "  ".join([f"epoch {epoch}/{self.epochs}", *filter(None, shown), self.pace()])
        print(line.rstrip(), file=self.stream, flush=True)


def format_metric(name: str, value: float | None, shares: bool = True) -> str:
    """Return a metric with its name, an error in percent if `shares`; nothing without a value."""
    if value is None:
        return ""
    if shares and math.isfinite(value) and name.endswith("error"):
        return f"{name.replace('_', ' ')} {value:.1%}"
    return f"{name.replace('_', ' ')} {value:.4g}"


def duration(seconds: float) -> str:
    """Return ``1.2 s``, ``12 s``, ``3:05`` minutes or ``2:00:07`` hours."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
