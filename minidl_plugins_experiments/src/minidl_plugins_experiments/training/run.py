"""A run: training epoch by epoch, with metrics after each epoch and checkpoints between them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import NonFiniteError, train
from minidl_plugins_experiments.training.metrics import (
    MISSING,
    best_restart,
    for_json,
    gradient_norms,
    measure,
)
from minidl_plugins_experiments.training.schedules import LearningRate, observe, rates_at
from minidl_plugins_experiments.training.silent_units import silent_units

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from minidl_core import Loss, Module, Optimizer
    from minidl_plugins_experiments.training.preparing import Prepared
    from minidl_plugins_experiments.training.progress import Progress
    from minidl_plugins_experiments.training.restarts import TrainingState
    from minidl_plugins_experiments.training.strategy import Strategy

__all__ = ["Run"]

LOOKS = 5  # at the gradients in an epoch, the last after its last step


class Run:
    """One run, as observers see it.

    Attributes:
        name: the name of the experiment.
        id: an identifier that no other run has.
        folder: the run folder.
        configuration: the resolved content of the experiment's file.
        experiment: the same as an `Experiment`.
        data: the training, validation and test data.
        states: the training state of each restart, or one for all of them stacked.
        model, loss, optimizer: those of the first training state.
        epochs: the metrics of each finished epoch, as in ``result.json``.
        best: the best epoch so far, with early stopping; else None.
        between_epochs: whether the state is that after the last of `epochs`, and can be saved.
        announced: whether the observers have heard of the last of `epochs`.
        saved_epochs: how many epochs the last checkpoint has.
        looked_at: the steps of an epoch after which gradients are measured.
        stopping: what to raise after this epoch, because a signal asks to stop.
        json_lines: the file that the observer ``json_lines`` writes to, or None.
        strategy: how this process executes the run.
    """

    def __init__(
        self,
        prepared: Prepared,
        strategy: Strategy,
        run_id: str,
        folder: Path,
        json_lines: str | None = None,
    ) -> None:
        self.prepared, self.strategy = prepared, strategy
        self.id, self.folder, self.json_lines = run_id, folder, json_lines
        self.experiment = prepared.experiment
        self.name = self.experiment.name
        self.configuration = self.experiment.tree()
        self.data = prepared.data
        self.states: list[TrainingState] = prepared.states
        self.epochs: list[dict[str, Any]] = []
        self.best = prepared.best
        self.between_epochs, self.announced, self.saved_epochs = True, True, 0
        self.stopping: BaseException | None = None
        self.training_seconds = 0.0
        self.seconds_before = 0.0  # of earlier processes, before the run was resumed
        self.began = time.monotonic()
        rows = len(self.data.train.x)
        self.steps_per_epoch = -(-rows // self.experiment.batch_size)
        steps = self.experiment.epochs * self.steps_per_epoch
        self.looked_at = {
            (number + 1) * self.steps_per_epoch // LOOKS - 1 for number in range(LOOKS)
        }
        self.rates = [
            LearningRate(each.optimizer, each.schedules, steps, self.steps_per_epoch)
            for each in self.states
        ]

    @property
    def model(self) -> Module:
        return self.states[0].model

    @property
    def loss(self) -> Loss:
        return self.states[0].loss

    @property
    def optimizer(self) -> Optimizer:
        return self.states[0].optimizer

    @property
    def total_seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.began

    def __str__(self) -> str:
        return f"{self.name}, seed {self.experiment.seed}, in {self.folder}"

    # -- the loop ------------------------------------------------------------------------------

    def train(self, progress: Progress) -> Iterator[dict[str, float]]:
        """Train the epochs that are left, and yield the metrics of the best restart after each.

        Raises:
            NonFiniteError: every restart diverged.
        """
        for epoch in range(len(self.epochs) + 1, self.experiment.epochs + 1):
            if self.best and self.best.stops(epoch - 1):
                return
            lr = rates_at(self.rates, (epoch - 1) * self.steps_per_epoch)
            self.between_epochs = False
            self._train_epoch(epoch, progress)
            metrics = measure(self.states, self.data, self.prepared.error, self.strategy.predict)
            observe(self.rates, metrics[self.experiment.select_on])
            silent = {"silent_units": silent_units(self.states)}
            self.epochs.append(for_json({"epoch": epoch, "lr": lr, **metrics, **silent}))
            if self.best:
                self.best.see(self.epochs[-1], self.states)
            self.between_epochs, self.announced = True, False
            yield self.best_metrics()
            if self.stopping:
                raise self.stopping

    def _train_epoch(self, epoch: int, progress: Progress) -> None:
        began = time.perf_counter()
        train_x, _train_y = self.data.train
        order = torch.randperm(len(train_x), generator=self.prepared.generators["batches"])
        batch_indices = torch.split(order.to(train_x.device), self.experiment.batch_size)
        for state, rate in zip(self.states, self.rates, strict=True):
            if state.diverged:
                continue
            try:
                self._train_state(state, rate, epoch, batch_indices, progress)
            except NonFiniteError as error:
                state.diverged = True
                self.strategy.diverged(state, error)
                if all(each.diverged for each in self.states):
                    raise
        self.training_seconds += time.perf_counter() - began

    def _train_state(
        self,
        state: TrainingState,
        rate: LearningRate,
        epoch: int,
        batch_indices: tuple[Tensor, ...],
        progress: Progress,
    ) -> None:
        done = (epoch - 1) * self.steps_per_epoch
        batches = rate.over(self._batches(state, batch_indices), done)
        engine = self.prepared.engine
        state.norms = []
        for step in train(state.model, state.loss, state.optimizer, batches, engine=engine):
            if step.number in self.looked_at:
                state.norms.append(gradient_norms(state))
            progress.step()

    def _batches(
        self, state: TrainingState, batch_indices: tuple[Tensor, ...]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        x, y = self.data.train
        for rows in self.strategy.batches(state, batch_indices):
            yield state.expand(x[rows]), state.expand(y[rows])

    # -- metrics -------------------------------------------------------------------------------

    def selected(self) -> int | None:
        """Return the restart to keep; None if all diverged.

        That is the best by ``select_on`` after the latest epoch, or with early stopping that of
        the best epoch.
        """
        if self.best and self.best.epoch:
            return self.best.restart
        return best_restart(self.epochs[-1][self.experiment.select_on])

    def kept_epoch(self) -> int:
        """Return the epoch whose weights are kept: the latest, or the best one."""
        return self.best.epoch if self.best and self.best.epoch else len(self.epochs)

    def best_metrics(self, epoch: int | None = None) -> dict[str, float]:
        """Return the metrics of the best restart after `epoch`, the latest if left out."""
        best = self.selected() or 0
        last = self.epochs[-1 if epoch is None else epoch - 1]
        return {
            name: MISSING if values[best] is None else values[best]
            for name, values in last.items()
            if isinstance(values, list)
        }
