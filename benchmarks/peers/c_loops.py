"""Plain C, compiled on the spot by the system's compiler: a lower bound, in one thread."""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.peers.base import NotAvailableError, Peer
from benchmarks.problem import POINTS

if TYPE_CHECKING:
    from benchmarks.problem import Array, Task

SOURCE = Path(__file__).with_name("c_loops.c")
FLAGS = ["-O3", "-march=native", "-shared", "-fPIC"]


def compile_library(task: Task) -> ctypes.CDLL:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NotAvailableError("no C compiler")
    constants = [
        f"-DLAYERS={len(task.network.biases)}",
        f"-DSIZES={','.join(map(str, task.network.sizes))}",
        f"-DBIASES={','.join(str(int(bias)) for bias in task.network.biases)}",
        f"-DROWS={task.batch}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "c_loops.so")
        subprocess.run([compiler, *FLAGS, *constants, str(SOURCE), "-o", str(library)], check=True)
        loaded = ctypes.CDLL(str(library))
    loaded.train.restype = ctypes.c_float
    return loaded


def floats(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


class CLoops(Peer):
    def build(self) -> None:
        task, sizes = self.task, self.task.network.sizes
        self.library = compile_library(task)
        self.models = task.models or 1
        self.size = sum(map(math.prod, task.network.shapes))
        self.value, self.velocity = np.zeros((2, self.models, self.size), np.float32)
        self.grad = np.empty(self.size, np.float32)
        largest = max(a * b for a, b in itertools.pairwise(sizes))
        self.transposed = np.empty(largest, np.float32)
        self.outputs, self.output_grads = np.empty((2, task.batch * sum(sizes[1:])), np.float32)

    def restart(self, weights: list[Array]) -> None:
        flat = [weight.reshape(self.models, -1) for weight in weights]
        self.value[...] = np.concatenate(flat, 1)
        self.velocity[...] = 0

    def weights(self) -> list[Array]:
        models = (self.task.models,) if self.task.models else ()
        shapes = self.task.network.shapes
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        parts = np.split(self.value, ends[:-1], axis=1)
        pairs = zip(parts, shapes, strict=True)
        return [part.reshape(*models, *shape).copy() for part, shape in pairs]

    def step(self, x: Array, y: Array) -> None:
        self._steps(x, y, 1)

    def run(self, cycles: int) -> None:
        for _ in range(cycles):
            self._steps(self.x, self.y, self.task.batches)

    def train(self) -> None:
        batch, (inputs, *_, outputs) = self.task.batch, self.task.network.sizes
        x, y = np.empty_like(self.x), np.empty_like(self.y)
        for order in self.orders:
            self.library.take(floats(self.x), floats(order), POINTS, inputs, floats(x))
            self.library.take(floats(self.y), floats(order), POINTS, outputs, floats(y))
            self._steps(x, y, POINTS // batch)

    def _steps(self, x: Array, y: Array, steps: int) -> None:
        task = self.task
        self.loss = self.library.train(
            self.models,
            self.size,
            floats(self.value),
            floats(self.velocity),
            floats(self.grad),
            floats(self.transposed),
            floats(self.outputs),
            floats(self.output_grads),
            floats(x),
            floats(y),
            steps,
            ctypes.c_float(task.lr),
            ctypes.c_float(task.momentum),
        )
