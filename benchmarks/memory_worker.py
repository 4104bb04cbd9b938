"""One training in a fresh process, and the memory that it took at its peak.

``python -m benchmarks.memory_worker PEER`` is started by `benchmarks.memory`. A process answers
once for each method: what it has learned about memory does not hold twice.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchmarks import problem
from benchmarks.peers import load
from benchmarks.problem import Task, mlp
from benchmarks.worker import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STEPS = 5


class MemoryWorker:
    def __init__(self, name: str) -> None:
        self.name = name

    def resident(self, sizes: list[int], batch: int) -> int:
        """Bytes of RSS at the peak of building and `STEPS` steps, above those before."""
        train = self._work(sizes, batch)
        before = status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
        train()
        return status("VmHWM") - before

    def tensors(self, sizes: list[int], batch: int) -> int:
        """Bytes of tensors alive at the same peak, from torch's own record of allocations."""
        train = self._work(sizes, batch)
        with torch.profiler.profile(profile_memory=True, acc_events=True) as profile:
            train()
        return peak(events_of(profile))

    def _work(self, sizes: list[int], batch: int) -> Callable[[], None]:
        """The training; its data is drawn, and the libraries are warm."""
        task = Task(mlp(*sizes), batch, batches=1, lr=1e-3)
        ready = problem.batches(task)
        peer_of = load(self.name)

        def train() -> None:  # from the peer's own first weights: they take no more room
            peer_of(task, ready).run(STEPS)

        peer_of(Task(mlp(8, 8, 8), batch, batches=1)).run(STEPS)
        return train


def events_of(profile: torch.profiler.profile) -> list[dict[str, Any]]:
    """What torch's profiler has recorded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace.json")
        profile.export_chrome_trace(str(path))
        events: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    return events


def peak(events: Iterable[dict[str, Any]], since: float = 0.0) -> int:
    """The largest sum of the bytes allocated and not yet freed, from the time `since` on."""
    changes = [
        (event["ts"], event["args"]["Bytes"])
        for event in events
        if event.get("name") == "[memory]" and event["args"]["Device Type"] == 0
    ]
    alive = most = 0
    for time, change in sorted(changes, key=lambda pair: float(pair[0])):
        alive += change
        if float(time) >= since:
            most = max(most, alive)
    return most


def status(name: str) -> int:
    """A size in ``/proc/self/status``, in bytes."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(rf"{name}:\s+(\d+) kB", text)
    assert found is not None
    return int(found[1]) * 1024


if __name__ == "__main__":
    serve(MemoryWorker(sys.argv[1]))
