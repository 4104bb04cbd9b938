"""What starts several processes, and the experiment that they run."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

PATIENCE = 150  # seconds; what takes that long hangs

# Quick, in the precision in which the order of a sum does not show, and its last batch is uneven.
SMALL = """\
epochs = 4
batch_size = 47
seed = 3
dtype = "float64"
data = {{ disk = {{ points = {points} }} }}
model = [{{ Linear = [2, 16] }}, "Tanh", {{ Linear = [16, 2] }}]
loss = "MSELoss"
schedule = "linear"
optimizer = {optimizer}
"""
SGD = "{ SGD = { lr = 0.1, momentum = 0.9 } }"
PARALLEL = f"{{ DataParallel = {{ timeout = 60, optimizer = {SGD} }} }}"
MINIDL = ("-m", "minidl_core", "run")


class Done(NamedTuple):
    """What the processes came to."""

    status: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The messages of minidl among those of torchrun."""
        return [line for line in self.err.splitlines() if line.startswith("Error: ")]


def environment(**variables: object) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    given = {name: str(value) for name, value in variables.items()}
    return {**kept, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", **given}


def torchrun(count: int, *arguments: object) -> list[str]:
    started = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(count)]
    return [*started, *map(str, arguments)]
