"""A peer's process, as its parent sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.peers.base import NotAvailableError

ROOT = Path(__file__).parents[1]


class WorkerError(Exception):
    """A peer's process failed."""


class PeerProcess:
    """One process that has `threads` threads to use and answers one request at a time."""

    def __init__(self, peer: str, threads: int, module: str = "benchmarks.worker") -> None:
        self.peer = peer
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, peer],
            cwd=ROOT,
            env=os.environ | environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, method: str, **arguments: Any) -> Any:
        """The answer of the worker's method.

        Raises:
            NotAvailableError: the peer cannot do this here.
            WorkerError: it failed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(
                json.dumps({"method": method, "arguments": arguments}),
                file=self._process.stdin,
                flush=True,
            )
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"{self.peer}: the process ended without an answer to {method}")
        answer = json.loads(line)
        if "not_available" in answer:
            raise NotAvailableError(answer["not_available"])
        if "error" in answer:
            raise WorkerError(f"{self.peer}, {method}: {answer['error']}")
        return answer["value"]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def environment(threads: int) -> dict[str, str]:
    """The variables that tell each library how many threads it has."""
    names = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")
    variables = {f"{name}_NUM_THREADS": str(threads) for name in names}
    variables["NPROC"] = str(threads)  # the thread pools of XLA
    variables["JAX_PLATFORMS"] = "cpu"
    if threads == 1:
        variables["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return variables
