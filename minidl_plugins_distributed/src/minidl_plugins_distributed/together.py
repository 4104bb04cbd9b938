"""A run in several processes: each has its share of every batch, and rank 0 keeps the results."""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed

from minidl_core import MinidlError, NonFiniteError
from minidl_plugins_distributed.agreeing import digest_of, facts_of
from minidl_plugins_distributed.collectives import add_up
from minidl_plugins_distributed.data_parallel import DataParallel
from minidl_plugins_distributed.errors import AbandonedError, NonFiniteElsewhereError, PeerError
from minidl_plugins_distributed.keeping_alike import keep_alike
from minidl_plugins_distributed.meeting import Meeting
from minidl_plugins_experiments import Conduct, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from torch import Tensor

    from minidl_core import Registry
    from minidl_plugins_distributed.launch import Launch
    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.training.preparing import Prepared
    from minidl_plugins_experiments.training.restarts import Lane
    from minidl_plugins_experiments.training.run import Run

__all__ = ["Together"]

TIMEOUT = 120.0  # seconds, where the file says none


class Together(Conduct):
    """How one of the processes of `launch` takes part."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.keeps = launch.rank == 0
        self.meeting = Meeting(launch, TIMEOUT)
        self.folder: Path | None = None
        self.failed = False
        self._before = signal.signal(signal.SIGTERM, self._terminated)

    # -- before the first step -----------------------------------------------------------------

    def begin(self, experiment: Experiment, registry: Registry) -> None:
        """Agree on what is run, and join the group.

        Raises:
            ConfigError: it is not to be run in several processes, or not the same on each.
        """
        self._check(experiment, registry)
        timeout = experiment.optimizer.arguments.get("timeout")
        if isinstance(timeout, (int, float)) and timeout > 0:
            self.meeting.timeout = timeout
        self._agree(facts_of(experiment, registry))
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

    def _check(self, experiment: Experiment, registry: Registry) -> None:
        try:
            found = registry.get("optimizers", experiment.optimizer.name)
        except MinidlError:
            return  # whoever builds it says more
        if not issubclass(found, DataParallel):
            raise ConfigError(
                f"torchrun started {self.launch.size} processes, and each would train this same "
                "run; write optimizer = { DataParallel = { optimizer = { SGD = { lr = 0.1 } } } } "
                "to share it, or start it without torchrun",
                key="optimizer",
            )
        if experiment.batch_size < self.launch.size:
            raise ConfigError(
                f"of a batch of {experiment.batch_size} rows there is none for rank "
                f"{experiment.batch_size} of {self.launch.size}; start "
                f"{experiment.batch_size} processes or fewer, or write "
                f"batch_size = {self.launch.size} or more",
                key="batch_size",
            )
        device = experiment.device
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

    def prepared(self, prepared: Prepared, epochs: int) -> None:
        """Agree on what came of it.

        Raises:
            ConfigError: data or checkpoints differ.
        """
        self._agree(digest_of(prepared, epochs))

    def _agree(self, facts: dict[str, Any]) -> None:
        differs = self.meeting.agree(facts)
        if differs:
            raise ConfigError(
                f"{differs}; every process needs the same file, settings, data and versions"
            )

    def share(self, find: Callable[[], Any]) -> Any:
        return self.meeting.share(find)

    # -- epochs --------------------------------------------------------------------------------

    def batches(self, run: Run, lane: Lane, parts: Iterable[Tensor]) -> Iterator[Tensor]:
        """This rank's rows of each batch."""
        self.folder = run.folder
        optimizer = _of(lane)
        for rows in parts:
            yield optimizer.share(rows)
        keep_alike(lane.model)

    def diverged(self, run: Run, lane: Lane, error: NonFiniteError) -> None:
        """The others, whose loss is finite, must not wait for this rank's gradient."""
        if not isinstance(error, NonFiniteElsewhereError):
            _of(lane).give_up()

    def predict(self, run: Run, lane: Lane, x: Tensor) -> Tensor:
        """Each rank predicts on its rows, and all have the whole.

        It is put together as a sum with zeros, which is exact.
        """
        start, stop = _of(lane).span(len(x))
        mine = super().predict(run, lane, x[start:stop] if stop > start else x[:1])
        whole = mine.new_zeros((*mine.shape[:-2], len(x), mine.shape[-1]))
        whole[..., start:stop, :] = mine[..., : stop - start, :]
        add_up(whole, "the predictions of all rows")
        return whole

    # -- the end -------------------------------------------------------------------------------

    def resume(self, folder: Path) -> str:
        return self.launch.resume(folder)

    def tell(self, error: BaseException) -> str | None:
        """The words of the process that is the first to fail; None on the others."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # torchrun stops the others, not in mid-word
        self.failed = True
        knows = not isinstance(error, (AbandonedError, NonFiniteElsewhereError))
        try:
            first = self.meeting.sign_off(has_words=knows)
            asks = first and isinstance(error, (PeerError, SystemExit))
            absent = self.meeting.absent() if asks else []
        except Exception:  # the store is gone with its machine: better told twice than never
            first, absent = knows, []
        return self._words(error, absent) if first else None

    def _words(self, error: BaseException, absent: list[int]) -> str:
        resume = f"; go on with: {self.resume(self.folder)}" if self.folder else ""
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
        words = self.tell(error)
        if words is not None:
            print(f"Error: {words}", file=sys.stderr, flush=True)
        raise error

    def end(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN if self.failed else self._before)
        if distributed.is_initialized() and not self.failed:
            distributed.destroy_process_group()


def _of(lane: Lane) -> DataParallel:
    assert isinstance(lane.optimizer, DataParallel)
    return lane.optimizer
