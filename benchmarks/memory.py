"""Peak memory and time of a step beside PyTorch, on a large network and on a deep one.

``python -m benchmarks.memory`` prints the table. Each number of memory comes from a fresh process.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from benchmarks.problem import Task, mlp
from benchmarks.processes import PeerProcess
from benchmarks.rounds import Group
from benchmarks.settings import Settings
from benchmarks.summary import Spread, digits
from benchmarks.tables import ratios, table

if TYPE_CHECKING:
    from collections.abc import Sequence

NETWORKS = {
    "784-2048-2048-10, batch 512": ((784, 2048, 2048, 10), 512),
    "64 layers of 256, batch 512": ((256,) * 65, 512),
}
PEERS = ("minidl", "torch")
REPEATS = 3


def memory(settings: Settings) -> str:
    """A row for each network and quantity: minidl, PyTorch eager, and their ratio."""
    rows = []
    repeats = 1 if settings.quick else REPEATS
    for name, (sizes, batch) in NETWORKS.items():
        for method, title in (("resident", "RSS"), ("tensors", "tensors")):
            ours, theirs = (
                [fresh(peer, method, sizes, batch) for _ in range(repeats)] for peer in PEERS
            )
            cells = [f"{digits(Spread.of(b).median / 2**20)} MiB" for b in (ours, theirs)]
            rows.append([f"{name}: peak, {title}", *cells, ratios(ours, theirs).show()])
        task = Task(mlp(*sizes), batch, batches=1, lr=1e-3)
        for threads in settings.threads:
            with closing(Group(PEERS, threads)) as group:
                mine, other = group.measure(task, settings.rounds, 4 * settings.seconds)
            cells = [f"{digits(Spread.of(m.seconds).median * 1e3)} ms" for m in (mine, other)]
            title = f"{name}: step, {threads} thread{'s' * (threads > 1)}"
            rows.append([title, *cells, ratios(mine.seconds, other.seconds).show()])
    return table(["", "minidl", "PyTorch eager", "minidl / PyTorch"], rows)


def fresh(peer: str, method: str, sizes: Sequence[int], batch: int) -> int:
    """The worker's answer from a process that has done nothing else."""
    with closing(PeerProcess(peer, 1, "benchmarks.memory_worker")) as process:
        return int(process.ask(method, sizes=list(sizes), batch=batch))


if __name__ == "__main__":
    print(memory(Settings()))
