"""A peer's own process: it answers one request a line on its standard input, in JSON.

``python -m benchmarks.worker PEER`` is started by `benchmarks.processes`; it is not for users.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers import load
from benchmarks.peers.base import NotAvailableError
from benchmarks.problem import Network, Task, start_weights

if TYPE_CHECKING:
    from benchmarks.peers.base import Peer
    from benchmarks.problem import Array

LONGEST = 50  # times that the batches are gone through between two restarts
WARM = 20  # steps after which what is done once, or ever more seldom, is behind


class Worker:
    """The requests that a process answers, as methods; each returns what JSON can say."""

    def __init__(self, name: str) -> None:
        self.name = name

    def prepare(self, task: dict[str, Any], seconds: float) -> None:
        """Build the peer, warm it up, and settle how much to do in a measurement of `seconds`."""
        network = Network(*(tuple(part) for part in task.pop("network").values()))
        self.task = Task(**task, network=network)
        self.peer: Peer = load(self.name)(self.task)
        self.start: list[Array] = start_weights(self.task)
        self.seconds = seconds
        self.cycles = 1
        for _ in range(1 if self.task.epochs else 1 + math.ceil(WARM / self.task.steps)):
            once = self._timed()
        if not self.task.epochs:
            self.cycles = max(1, min(LONGEST, round(seconds / once)))

    def check(self, path: str) -> None:
        """Save to `path` the weights after one pass over the batches, or one whole training."""
        self.cycles, cycles = 1, self.cycles
        self._timed()
        self.cycles = cycles
        np.save(path, np.concatenate([weight.reshape(-1) for weight in self.peer.weights()]))

    def measure(self) -> float:
        """Seconds a step, over at least `seconds` of work after a warming-up."""
        if not self.task.epochs:
            self.peer.restart(self.start)
            self.peer.run(1)
        spent, times = 0.0, 0
        while not times or spent < self.seconds:
            spent += self._timed()
            times += 1
        return spent / (times * self.task.steps * self.cycles)

    def device(self) -> str | None:
        """The name of the GPU, if torch finds one."""
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else None

    def _timed(self) -> float:
        self.peer.restart(self.start)
        started = time.perf_counter()
        if self.task.epochs:
            self.peer.train()
        else:
            self.peer.run(self.cycles)
        return time.perf_counter() - started


def limit_threads() -> None:
    """Heed OMP_NUM_THREADS where a library would not."""
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def serve(worker: object) -> None:
    """Answer each line ``{"method": …, "arguments": {…}}`` until there is none."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is not an answer
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any]
        try:
            limit_threads()
            answer = {"value": getattr(worker, request["method"])(**request["arguments"])}
        except NotAvailableError as error:
            answer = {"not_available": str(error)}
        except Exception as error:  # it is raised again in the process that asked
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    with contextlib.suppress(KeyboardInterrupt):
        serve(Worker(sys.argv[1]))
