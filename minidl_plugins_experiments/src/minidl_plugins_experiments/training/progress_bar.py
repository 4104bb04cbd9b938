"""The live bar on a terminal."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress

from minidl_plugins_experiments.training.progress import REDRAW_SECONDS, Quiet, figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

__all__ = ["Bar"]

WIDE = 140  # columns of a terminal that has room for all figures
NARROW = {"train_loss": "loss", "train_error": "error"}  # those that a narrower one shows


class Bar(Quiet):
    """One line that is drawn over itself: the epoch, a bar, the last figures, speed, time left."""

    def __init__(self, console: Console, shares: bool) -> None:
        super().__init__()
        self.console, self.shares = console, shares
        self.next_drawing = 0.0
        self.figures = ""
        self.bar = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(None),
            TextColumn("{task.fields[figures]}", markup=False),
            TextColumn("{task.fields[pace]}", markup=False),
            console=console,
            auto_refresh=False,
            expand=True,
        )

    def start(self, epochs: int, steps_per_epoch: int, starts: int) -> None:
        super().start(epochs, steps_per_epoch, starts)
        self.task = self.bar.add_task("", total=self.left, figures="", pace="")
        self.bar.start()
        self._draw()

    def step(self) -> None:
        super().step()
        if monotonic() >= self.next_drawing:
            self._draw()

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        super().epoch(epoch, metrics)
        names = {name: name for name in metrics} if self.console.width >= WIDE else NARROW
        figures = [figure(short, metrics.get(name), self.shares) for name, short in names.items()]
        self.figures = "  ".join(filter(None, figures))
        if monotonic() >= self.next_drawing:
            self._draw()

    def finish(self) -> None:
        if self.bar.live.is_started:
            self._draw()
            self.bar.stop()

    def _draw(self) -> None:
        starts = f", {self.starts} starts" if self.starts > 1 and self.console.width >= WIDE else ""
        current = min(self.ended + (self.left > 0), self.epochs)
        self.bar.update(
            self.task,
            description=f"epoch {current}/{self.epochs}{starts}",
            completed=self.epochs * self.steps_per_epoch - self.left,
            figures=self.figures,
            pace=self.pace(),
        )
        self.bar.refresh()
        self.next_drawing = monotonic() + REDRAW_SECONDS
