"""How far a run has come: a live bar on a terminal, lines elsewhere, or nothing.

A step costs a run one addition and a look at the clock; what is shown is drawn at most ten times a
second. Nothing of it runs in a thread of its own.
"""

from __future__ import annotations

import math
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Progress", "progress_for"]

REDRAW_SECONDS = 0.1
LINE_SECONDS = 30.0  # without a line for that long, the next epoch prints one


class Progress(Protocol):
    """What a run tells of itself; also a context manager, which finishes it."""

    def start(self, epochs: int, steps_per_epoch: int, starts: int) -> None:
        """The run will take that many steps in all, of so many starts at once."""

    def step(self) -> None:
        """One more step is done."""

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Epoch number `epoch`, counted from 1, ended with these figures, each by its name."""

    def finish(self) -> None:
        """No more is to come, whether all is done or not; to say it twice does no harm."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def progress_for(stream: TextIO, quiet: bool, *, shares: bool = True) -> Progress:
    """What suits `stream`: a bar on a terminal, lines on anything else, nothing if `quiet`.

    Args:
        shares: whether errors are shares of the rows, to be shown in percent.
    """
    if quiet:
        return Quiet()
    if stream.isatty():
        from rich.console import Console  # slow to import, and needed on a terminal only

        console = Console(file=stream)
        if console.is_terminal and not console.is_dumb_terminal:
            from minidl_plugins_experiments.training.progress_bar import Bar

            return Bar(console, shares)
    return Lines(stream, shares)


class Quiet:
    """Shows nothing, and keeps the count that the others show."""

    def __init__(self) -> None:
        self.epochs = self.steps_per_epoch = 0
        self.starts = 1
        self.ended = 0  # the number of the last epoch that ended
        self.steps = 0  # done since the start, without those of a run that this one goes on from
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

    def start(self, epochs: int, steps_per_epoch: int, starts: int) -> None:
        self.epochs, self.steps_per_epoch, self.starts = epochs, steps_per_epoch, starts
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
        """The time since the start."""
        return monotonic() - self.began

    def speed(self) -> float:
        """Steps in a second, evaluations and all; 0 before there is one."""
        seconds = self.seconds()
        return self.steps / seconds if seconds > 0 else 0.0

    def pace(self) -> str:
        """Speed and time left, in words, as soon as they are known; at the end the time it took."""
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
    """A line for each tenth of the way, and one whenever there was none for half a minute."""

    def __init__(self, stream: TextIO, shares: bool) -> None:
        super().__init__()
        self.stream, self.shares = stream, shares
        self.next_line = 0.0

    def start(self, epochs: int, steps_per_epoch: int, starts: int) -> None:
        super().start(epochs, steps_per_epoch, starts)
        self.next_line = self.began + LINE_SECONDS

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        super().epoch(epoch, metrics)
        tenth = epoch * 10 // self.epochs > (epoch - 1) * 10 // self.epochs
        if not tenth and monotonic() < self.next_line:
            return
        self.next_line = monotonic() + LINE_SECONDS
        figures = [figure(name, value, self.shares) for name, value in metrics.items()]
        line = "  ".join([f"epoch {epoch}/{self.epochs}", *filter(None, figures), self.pace()])
        print(line.rstrip(), file=self.stream, flush=True)


def figure(name: str, value: float | None, shares: bool = True) -> str:
    """One figure and its name, an error in percent if `shares`; nothing where there is no value."""
    if value is None:
        return ""
    if shares and math.isfinite(value) and name.endswith("error"):
        return f"{name.replace('_', ' ')} {value:.1%}"
    return f"{name.replace('_', ' ')} {value:.4g}"


def duration(seconds: float) -> str:
    """``1.2 s``, ``12 s``, ``3:05`` minutes, ``2:00:07`` hours."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
