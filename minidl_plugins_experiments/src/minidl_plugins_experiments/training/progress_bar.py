"""The live progress bar on a terminal. No thread draws it; steps and epochs do."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress

from minidl_plugins_experiments.training.progress import Quiet, format_metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

__all__ = ["Bar"]

REDRAW_SECONDS = 0.1
WIDE = 140  # columns of a terminal that has room for all metrics
NARROW = {"train_loss": "loss", "train_error": "error"}  # what a narrower one shows


class Bar(Quiet):
    """One line that is redrawn: the epoch, a bar, the latest metrics, speed and time left."""

    def __init__(self, console: Console, shares: bool) -> None:
        super().__init__()
        self.console, self.shares = console, shares
        self.next_drawing = 0.0
        self.metrics = ""
        self.bar = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(None),
            TextColumn("{task.fields[metrics]}", markup=False),
            TextColumn("{task.fields[pace]}", markup=False),
            console=console,
            auto_refresh=False,
            expand=True,
        )

    def start(self, epochs: int, steps_per_epoch: int, restarts: int) -> None:
        super().start(epochs, steps_per_epoch, restarts)
        self.task = self.bar.add_task("", total=self.left, metrics="", pace="")
        self.bar.start()
        self._draw()

    def step(self) -> None:
        super().step()
        if monotonic() >= self.next_drawing:
            self._draw()

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        super().epoch(epoch, metrics)
        names = {name: name for name in metrics} if self.console.width >= WIDE else NARROW
        shown = [
            format_metric(short, metrics.get(name), self.shares) for name, short in names.items()
        ]
        self.metrics = "  ".join(filter(None, shown))
        if monotonic() >= self.next_drawing:
            self._draw()

    def finish(self) -> None:
        if self.bar.live.is_started:
            self._draw()
            self.bar.stop()

    def _draw(self) -> None:
        several = self.restarts > 1 and self.console.width >= WIDE
        restarts = f", {self.restarts} restarts" if several else ""
        current = min(self.ended + (self.left > 0), self.epochs)
        self.bar.update(
            self.task,
            description=f"epoch {current}/{self.epochs}{restarts}",
            completed=self.epochs * self.steps_per_epoch - self.left,
            metrics=self.metrics,
            pace=self.pace(),
        )
        self.bar.refresh()
        self.next_drawing = monotonic() + REDRAW_SECONDS
