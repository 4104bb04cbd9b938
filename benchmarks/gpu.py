"""The step on a GPU, where there is one."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from benchmarks.problem import Task
from benchmarks.rounds import Group
from benchmarks.tables import HOW_TO_READ, side_by_side

if TYPE_CHECKING:
    from benchmarks.settings import Settings

PEERS = ("minidl", "torch", "torch-fused")
BATCHES = (10, 50, 100, 1000)
MODELS = (32, 256, 1024)


def gpu(settings: Settings) -> str:
    """The report's step by batch, and stacked up to 1024 models (time of a step of them all)."""
    with closing(Group(PEERS, 1)) as group:
        name = group.processes["minidl"].ask("device")
        if name is None:
            return "Not measured: no GPU was at hand."
        batches = {f"batch {n}": Task(batch=n, device="cuda") for n in BATCHES}
        stacked = {f"{k} models": Task(models=k, device="cuda") for k in MODELS}
        tables = [
            side_by_side(
                {
                    title: group.measure(task, settings.rounds, settings.seconds)
                    for title, task in tasks.items()
                }
            )
            for tasks in (batches, stacked)
        ]
    return "\n\n".join([f"{name}. {HOW_TO_READ}", *tables])
