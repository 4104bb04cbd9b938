"""The report's network: a step, the whole training, and many restarts stacked."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from benchmarks.peers import PEERS
from benchmarks.problem import Task
from benchmarks.rounds import Group, Measured
from benchmarks.tables import HOW_TO_READ, cell, side_by_side, table, threads_title

if TYPE_CHECKING:
    from benchmarks.settings import Settings

BATCHES = (10, 50, 100, 1000)
EPOCHS = 50
RESTARTS = 32
STACKED_LABELS = {
    "torch": "PyTorch eager, stacked by hand (`baddbmm`)",
    "torch-fused": "PyTorch eager, stacked by hand, fused SGD",
    "torch-compile": "torch.compile of a vmapped step",
    "jax": "JAX, jit of a vmapped step",
    "jax-scan": "JAX, scan over a vmapped step",
    "c": "plain C, a loop over the models, one thread",
}


def step(settings: Settings) -> str:
    """The training step on batches that lie ready."""
    batches = (50,) if settings.quick else BATCHES
    return _for_all_threads(settings, {f"batch {n}": Task(batch=n) for n in batches})


def training(settings: Settings) -> str:
    """All 50 epochs on 1000 points, a new order in each, per step."""
    batches = (100,) if settings.quick else BATCHES
    epochs = 5 if settings.quick else EPOCHS
    return _for_all_threads(settings, {f"batch {n}": Task(batch=n, epochs=epochs) for n in batches})


def stacked(settings: Settings) -> str:
    """32 models at once on one batch of 50, per model and step; and eager PyTorch's one model."""
    parts = []
    for threads in settings.threads:
        with closing(Group(list(PEERS), threads)) as group:
            together = group.measure(Task(models=RESTARTS), settings.rounds, settings.seconds)
            alone = group.measure(
                Task(), settings.rounds, settings.seconds, only=("minidl", "torch")
            )
        ours = together[0]
        rows = [
            [
                STACKED_LABELS.get(measured.peer, PEERS[measured.peer].label),
                cell(measured, ours, RESTARTS),
            ]
            for measured in together
        ]
        for measured in alone:
            scaled = Measured(f"{measured.peer} alone", [t * RESTARTS for t in measured.seconds])
            rows.append([f"{PEERS[measured.peer].label}, one model", cell(scaled, ours, RESTARTS)])
        body = table(["", f"{RESTARTS} models, batch 50, per model and step"], rows)
        parts.append(f"**{threads_title(threads)}**\n\n{body}")
    return "\n\n".join([HOW_TO_READ, *parts])


def _for_all_threads(settings: Settings, tasks: dict[str, Task]) -> str:
    parts = []
    for threads in settings.threads:
        with closing(Group(list(PEERS), threads)) as group:
            columns = {
                name: group.measure(task, settings.rounds, settings.seconds)
                for name, task in tasks.items()
            }
        parts.append(f"**{threads_title(threads)}**\n\n{side_by_side(columns)}")
    return "\n\n".join([HOW_TO_READ, *parts])
