"""Data-parallel runs: each rank trains on its share of every batch, and rank 0 writes results."""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed

from minidl_plugins_distributed.agreeing import facts_before, facts_once_built
from minidl_plugins_distributed.collectives import add_up
from minidl_plugins_distributed.data_parallel import DataParallel
from minidl_plugins_distributed.errors import AbandonedError, NonFiniteElsewhereError, PeerError
from minidl_plugins_distributed.meeting import Meeting
from minidl_plugins_distributed.synchronising import synchronise
from minidl_plugins_experiments import ConfigError, Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

    from minidl_core import NonFiniteError
    from minidl_plugins_distributed.launch import Launch
    from minidl_plugins_experiments import Experiment, Prepared, TrainingState

__all__ = ["DataParallelStrategy"]

TIMEOUT = 120.0  # seconds, unless the file sets another


class DataParallelStrategy(Strategy):
    """The execution strategy of one of the processes of `launch`."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.is_main_process = launch.rank == 0
        self.meeting = Meeting(launch, TIMEOUT)
        self.folder: Path | None = None
        self.failed = False
        self._before = signal.signal(signal.SIGTERM, self._terminated)

    # -- before the first step -----------------------------------------------------------------

    def setup(self, experiment: Experiment, versions: Mapping[str, str]) -> None:
        """Compare the experiment between ranks, and join the process group.

        Raises:
            ConfigError: the ranks differ, or a rank cannot use the device.
        """
        self._check_device(experiment.device)
        timeout = experiment.optimizer.arguments.get("timeout")
        if isinstance(timeout, (int, float)) and timeout > 0:
            self.meeting.timeout = timeout
        self._agree(facts_before(experiment, versions))
        cuda = experiment.device.startswith("cuda")
        if cuda:
            torch.cuda.set_device(self.launch.local_rank)
            os.environ["TORCH_NCCL_BLOCKING_WAIT"] = "1"  # an error instead of the end of a process
        if not distributed.is_initialized():
            distributed.init_process_group(
                "nccl" if cuda else "gloo",
                store=self.meeting.store,
                rank=self.launch.rank,
                world_size=self.launch.size,
                timeout=timedelta(seconds=self.meeting.timeout),
            )

    def _check_device(self, device: str) -> None:
        if device.startswith("cuda:"):
            raise ConfigError(
                f'expected "cuda", of which each process takes one of its own, got "{device}"; '
                'write device = "cuda"',
                key="device",
            )
        if device == "cuda" and self.launch.local_rank >= torch.cuda.device_count():
            raise ConfigError(
                f"{self.launch} is process {self.launch.local_rank} of its machine, counted from "
                f"0, which has {torch.cuda.device_count()} GPUs; start no more processes than that",
                key="device",
            )

    def verify(self, prepared: Prepared, epochs_done: int) -> None:
        """Compare data and checkpoint between ranks.

        Raises:
            ConfigError: they differ, or the experiment cannot be shared.
        """
        batch_size = prepared.experiment.batch_size
        shared = all(isinstance(state.optimizer, DataParallel) for state in prepared.states)
        if not shared and self.launch.size > 1:
            raise ConfigError(
                f"torchrun started {self.launch.size} processes, and each would train this same "
                "run; write optimizer = { DataParallel = { optimizer = { SGD = { lr = 0.1 } } } } "
                "to share it, or start it without torchrun",
                key="optimizer",
            )
        if batch_size < self.launch.size:
            raise ConfigError(
                f"of a batch of {batch_size} rows there is none for rank {batch_size} of "
                f"{self.launch.size}; start {batch_size} processes or fewer, or write "
                f"batch_size = {self.launch.size} or more",
                key="batch_size",
            )
        self._agree(facts_once_built(prepared, epochs_done))

    def _agree(self, facts: dict[str, Any]) -> None:
        differs = self.meeting.agree(facts)
        if differs:
            raise ConfigError(
                f"{differs}; every process needs the same file, settings, data and versions"
            )

    def broadcast(self, compute: Callable[[], Any]) -> Any:
        return self.meeting.broadcast(compute)

    # -- epochs --------------------------------------------------------------------------------

    def started(self, folder: Path) -> None:
        self.folder = folder

    def batches(self, state: TrainingState, batch_indices: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield this rank's rows of each batch."""
        optimizer = _optimizer_of(state)
        for rows in batch_indices:
            yield optimizer.share(rows)
        device = state.model.param()[0].value.device
        synchronise(state.model, device)
        synchronise(state.loss, device)

    def diverged(self, state: TrainingState, error: NonFiniteError) -> None:
        """Tell the other ranks, whose loss is finite, not to wait for this rank's gradient."""
        if not isinstance(error, NonFiniteElsewhereError):
            _optimizer_of(state).give_up()

    def predict(self, state: TrainingState, x: Tensor) -> Tensor:
        """Predict this rank's rows, and return the predictions of all ranks.

        They are put together as a sum with zeros, which is exact.
        """
        start, stop = _optimizer_of(state).span(len(x))
        mine = super().predict(state, x[start:stop] if stop > start else x[:1])
        rows = len(state.models)  # the dimension of the rows
        whole = mine.new_zeros((*mine.shape[:rows], len(x), *mine.shape[rows + 1 :]))
        whole.narrow(rows, start, stop - start).copy_(mine.narrow(rows, 0, stop - start))
        add_up(whole, "the predictions of all rows")
        return whole

    # -- the end -------------------------------------------------------------------------------

    def resume_command(self, folder: Path) -> str:
        return self.launch.resume_command(folder)

    def error_message(self, error: BaseException) -> str | None:
        """Return the message on the first rank that fails; None on the others."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # torchrun must not cut the message short
        self.failed = True
        knows = not isinstance(error, (AbandonedError, NonFiniteElsewhereError))
        try:
            first = self.meeting.sign_off(has_words=knows)
            asks = first and isinstance(error, (PeerError, SystemExit))
            absent = self.meeting.absent() if asks else []
        except Exception:  # the store is gone: printing twice is better than never
            first, absent = knows, []
        return self._words(error, absent) if first else None

    def _words(self, error: BaseException, absent: list[int]) -> str:
        resume = f"; resume with: {self.resume_command(self.folder)}" if self.folder else ""
        if isinstance(error, PeerError):
            who = f"rank {', '.join(map(str, absent))}" if absent else "another rank"
            return (
                f"{who} of {self.launch.size} ended or hangs: rank {self.launch.rank} "
                f"{error}, and the run is over on every rank{resume}"
            )
        if isinstance(error, SystemExit):
            signs = f"; no sign of rank {', '.join(map(str, absent))}" if absent else ""
            return (
                f"{self.launch} was told to end by a signal, as torchrun does when another "
                f"process ended, and the run is over{signs}{resume}"
            )
        return f"{self.launch}: {error}"

    def _terminated(self, *_: object) -> None:
        error = SystemExit(128 + signal.SIGTERM)
        words = self.error_message(error)
        if words is not None:
            print(f"Error: {words}", file=sys.stderr, flush=True)
        raise error

    def close(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN if self.failed else self._before)
        if distributed.is_initialized() and not self.failed:
            distributed.destroy_process_group()


def _optimizer_of(state: TrainingState) -> DataParallel:
    assert isinstance(state.optimizer, DataParallel)
    return state.optimizer
