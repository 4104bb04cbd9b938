"""A run: epochs over the lanes, figures after each, and checkpoints between them."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import NonFiniteError, train
from minidl_plugins_experiments.runs.folder import CHECKPOINT
from minidl_plugins_experiments.training.checkpoint import (
    Checkpoint,
    restore,
    take,
    write_checkpoint,
)
from minidl_plugins_experiments.training.metrics import (
    best_start,
    for_json,
    gradient_norms,
    loss_and_error,
)
from minidl_plugins_experiments.training.schedules import Moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from minidl_core import Loss, Module, Optimizer
    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.data.data import Data
    from minidl_plugins_experiments.training.preparing import Prepared
    from minidl_plugins_experiments.training.progress import Progress
    from minidl_plugins_experiments.training.restarts import Lane
    from minidl_plugins_experiments.training.strategy import Conduct

__all__ = ["Run", "randomness_of_its_own"]

MISSING = float("nan")


class Run:
    """One run, as the hooks for observers see it.

    Attributes:
        name: of the experiment.
        id: no other run has it.
        folder: where it leaves its results.
        configuration: the resolved content of its file.
        experiment: the same, checked.
        data: what it trains and is tested on.
        model, optimizer: of the stack, or of the first start where the starts are not stacked.
        loss: the loss.
        epochs: what was measured after each epoch so far, as in ``result.json``.
        json_lines: the file that the observer ``json_lines`` writes to, or None.
        conduct: how this process takes part in it.
    """

    def __init__(
        self,
        name: str,
        run_id: str,
        folder: Path,
        prepared: Prepared,
        json_lines: str | None,
        conduct: Conduct,
    ) -> None:
        self.name, self.id, self.folder = name, run_id, folder
        self.prepared = prepared
        self.experiment: Experiment = prepared.experiment
        self.configuration = self.experiment.tree()
        self.data: Data = prepared.data
        self.lanes: list[Lane] = prepared.lanes
        self.loss: Loss = prepared.loss
        self.json_lines = json_lines
        self.conduct = conduct
        self.epochs: list[dict[str, Any]] = []
        self.training_seconds = 0.0
        self.seconds_before = 0.0  # of the processes that were killed
        self.began = time.monotonic()
        rows = len(self.data.train.x)
        self.steps_per_epoch = -(-rows // self.experiment.batch_size)
        self.first_lr: Any = getattr(self.optimizer, "lr", None)

    @property
    def model(self) -> Module:
        return self.lanes[0].model

    @property
    def optimizer(self) -> Optimizer:
        return self.lanes[0].optimizer

    @property
    def total_seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.began

    def __str__(self) -> str:
        return f"{self.name}, seed {self.experiment.seed}, in {self.folder}"

    # -- the loop ------------------------------------------------------------------------------

    def go_on(self, progress: Progress, checkpoint_seconds: float) -> Iterator[dict[str, float]]:
        """Train the epochs that are left, and yield after each what the best start came to.

        A checkpoint is written once `checkpoint_seconds` passed since the last. One that cannot be
        written is told on stderr, the one before it stays, and the run goes on.

        Raises:
            NonFiniteError: every start diverged.
        """
        saved = time.monotonic()
        for epoch in range(len(self.epochs) + 1, self.experiment.epochs + 1):
            lr = getattr(self.optimizer, "lr", None)
            self._train_epoch(epoch, progress)
            self.epochs.append(for_json({"epoch": epoch, "lr": lr, **self._measure()}))
            yield self.figures_of_best()
            if time.monotonic() - saved >= checkpoint_seconds and epoch < self.experiment.epochs:
                if self.conduct.keeps:
                    self._try_to_save()
                saved = time.monotonic()

    def _train_epoch(self, epoch: int, progress: Progress) -> None:
        began = time.perf_counter()
        train_x, _train_y = self.data.train
        order = torch.randperm(len(train_x), generator=self.prepared.generators["batches"])
        parts = torch.split(order.to(train_x.device), self.experiment.batch_size)
        steps = self.experiment.epochs * self.steps_per_epoch
        factor = self.prepared.schedule
        scheduled = self.experiment.schedule.name != "constant"
        per_epoch = self.steps_per_epoch
        for lane in self.lanes:
            if lane.diverged:
                continue
            optimizer: Any = lane.optimizer
            done = (epoch - 1) * per_epoch
            try:
                for _ in train(lane.model, self.loss, optimizer, self._batches(lane, parts)):
                    done += 1
                    if scheduled:
                        optimizer.lr = self.first_lr * factor(Moment(done, steps, per_epoch))
                    progress.step()
            except NonFiniteError as error:
                lane.diverged = True
                self.conduct.diverged(self, lane, error)
                if all(each.diverged for each in self.lanes):
                    raise
        self.training_seconds += time.perf_counter() - began

    def _batches(self, lane: Lane, parts: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, Tensor]]:
        x, y = self.data.train
        for rows in self.conduct.batches(self, lane, parts):
            yield lane.for_each(x[rows]), lane.for_each(y[rows])

    # -- figures -------------------------------------------------------------------------------

    def _measure(self) -> dict[str, Any]:
        """Loss, error and gradient norms, each a list with one number for each start."""
        figures: dict[str, Any] = {}
        norms: dict[str, list[float]] = {}
        predict = partial(self.conduct.predict, self)
        for lane in self.lanes:
            for name, values in gradient_norms(lane).items():
                nothing = [MISSING] * lane.starts
                norms.setdefault(name, []).extend(nothing if lane.diverged else values)
            for name in ("train", "test", "validation"):
                split = getattr(self.data, name)
                if split is None:
                    continue
                losses, errors = (
                    ([MISSING] * lane.starts,) * 2
                    if lane.diverged
                    else loss_and_error(lane, self.loss, split, self.data.task, predict)
                )
                figures.setdefault(f"{name}_loss", []).extend(losses)
                figures.setdefault(f"{name}_error", []).extend(errors)
        figures["gradient_norms"] = norms
        return figures

    def selected(self) -> int | None:
        """The best start so far, by what the file selects on; None if every one diverged."""
        return best_start(self.epochs[-1][self.experiment.select_on])

    def figures_of_best(self) -> dict[str, float]:
        """The figures of the latest epoch of the best start."""
        best = self.selected() or 0
        last = self.epochs[-1]
        return {
            name: MISSING if values[best] is None else values[best]
            for name, values in last.items()
            if isinstance(values, list)
        }

    def alone(self, start: int) -> Module:
        """The model of that start."""
        for lane in self.lanes:
            if start < lane.starts:
                return lane.alone(start)
            start -= lane.starts
        raise IndexError(start)

    # -- checkpoints ---------------------------------------------------------------------------

    def save(self) -> None:
        """Write the checkpoint.

        Raises:
            OSError: it could not be written; the one before it is still there.
        """
        progress = {
            "epochs": self.epochs,
            "training_seconds": self.training_seconds,
            "total_seconds": self.total_seconds,
        }
        checkpoint = take(self.id, len(self.epochs), progress, self.lanes, self.prepared.generators)
        write_checkpoint(self.folder / CHECKPOINT, checkpoint)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Be where `checkpoint` was taken.

        Raises:
            CheckpointError: it does not fit.
        """
        restore(checkpoint, self.lanes, self.prepared.generators)
        self.epochs = checkpoint.progress["epochs"]
        self.training_seconds = checkpoint.progress["training_seconds"]
        self.seconds_before = checkpoint.progress["total_seconds"]

    def _try_to_save(self) -> None:
        try:
            self.save()
        except OSError as error:
            print(
                f"minidl: no checkpoint after epoch {len(self.epochs)} ({error}); the run goes on, "
                "and the one before is kept",
                file=sys.stderr,
            )


@contextmanager
def randomness_of_its_own(seed: int, device: str) -> Iterator[None]:
    """Torch's global generator follows from `seed` inside, and is as it was afterwards.

    What keeps to an explicit generator does not need it; what does not is repeatable this way.
    """
    devices = [device] if device.startswith("cuda") and torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
