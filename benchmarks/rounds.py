"""Peers side by side: one process each, checked against minidl first, then measured in turns."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.peers import PEERS
from benchmarks.peers.base import NotAvailableError
from benchmarks.problem import start_weights
from benchmarks.processes import PeerProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.problem import Array, Task

# Of the largest change that training made to a weight: after one pass over the ready batches, and
# after an epoch, in which rounding decides now and then on which side of its kink a rectifier is.
TOLERANCE = 1e-3
EPOCH_TOLERANCE = 1e-2
PAUSE = 0.01  # seconds between two peers, in which the threads of the one before fall asleep


class DisagreementError(Exception):
    """A peer's result is not minidl's: its time would mean nothing."""


@dataclass
class Measured:
    """A peer's seconds a step in each round, or why there are none."""

    peer: str
    seconds: list[float] = field(default_factory=list)
    missing: str | None = None


class Group:
    """The processes of some peers, each with the same number of threads; the first is minidl's."""

    def __init__(self, peers: Sequence[str], threads: int) -> None:
        assert peers[0] == "minidl"
        self.threads = threads
        self.peers = peers
        self.processes = {
            peer: PeerProcess(peer, threads) for peer in peers if PEERS[peer].installed
        }

    def close(self) -> None:
        for process in self.processes.values():
            process.close()

    def measure(
        self, task: Task, rounds: int, seconds: float, only: Sequence[str] = ()
    ) -> list[Measured]:
        """Time `task` by each peer, or `only` by some, after comparing their results.

        Raises:
            DisagreementError: a peer's weights after the steps are not minidl's.
        """
        results = {peer: Measured(peer) for peer in only or self.peers}
        for peer, result in results.items():
            if peer not in self.processes:
                result.missing = "not installed"
        checked = dataclasses.replace(task, epochs=min(task.epochs, 1))
        self._compare(checked, self._prepare(checked, seconds, list(results.values())))
        if checked != task:
            self._prepare(task, seconds, list(results.values()))
        for _ in range(rounds):
            for result in results.values():
                if result.missing is None:
                    time.sleep(PAUSE)
                    result.seconds.append(self.processes[result.peer].ask("measure"))
        return list(results.values())

    def _prepare(self, task: Task, seconds: float, results: list[Measured]) -> list[str]:
        """The peers that can do the task, ready for it."""
        for result in results:
            if result.missing is None:
                try:
                    self.processes[result.peer].ask(
                        "prepare", task=dataclasses.asdict(task), seconds=seconds
                    )
                except NotAvailableError as error:
                    result.missing = str(error)
        return [result.peer for result in results if result.missing is None]

    def _compare(self, task: Task, peers: list[str]) -> None:
        start = np.concatenate([weight.reshape(-1) for weight in start_weights(task)])
        tolerance = EPOCH_TOLERANCE if task.epochs else TOLERANCE
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder, "weights.npy"))
            ours: Array = None
            for peer in peers:
                self.processes[peer].ask("check", path=path)
                weights = np.load(path)
                if ours is None:
                    ours = weights
                else:
                    compare(peer, start, ours, weights, tolerance)


def compare(
    peer: str, start: Array, ours: Array, theirs: Array, tolerance: float = TOLERANCE
) -> None:
    """Refuse weights that differ from ours by more than `tolerance` of how far training moved.

    Rounding of the weights themselves is allowed for.
    """
    moved = float(np.abs(ours - start).max())
    apart = float(np.abs(ours - theirs).max())
    rounding = 4 * float(np.finfo(np.float32).eps) * float(np.abs(ours).max())
    if not (moved > 0 and apart <= tolerance * moved + rounding):
        raise DisagreementError(
            f"{PEERS[peer].label}: after the same steps from the same start a weight is "
            f"{apart:.2g} away from minidl's, where training moved weights by up to {moved:.2g}"
        )
