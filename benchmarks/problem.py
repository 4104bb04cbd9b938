"""The work that every peer is given: a network, its start weights and its data, as NumPy arrays."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any  # a NumPy array: the package may be absent where only the types are checked

SEED = 0
POINTS = 1000  # in the training set of the report


@dataclass(frozen=True)
class Network:
    """Linear layers of `sizes`, with a bias where `biases` says so, and a rectifier after each."""

    sizes: tuple[int, ...]
    biases: tuple[bool, ...]

    @property
    def layers(self) -> list[tuple[int, int, bool]]:
        """Each layer's inputs, outputs, and whether it has a bias."""
        return list(zip(self.sizes, self.sizes[1:], self.biases, strict=False))

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The parameters' shapes in order: (out, in), and (out,) for a bias."""
        return [
            shape
            for inputs, outputs, bias in self.layers
            for shape in ([(outputs, inputs), (outputs,)] if bias else [(outputs, inputs)])
        ]


def mlp(*sizes: int) -> Network:
    """A network whose layers all have biases."""
    return Network(sizes, (True,) * (len(sizes) - 1))


REPORT = Network((2, 25, 25, 25, 2), (True, False, False, True))


@dataclass(frozen=True)
class Task:
    """One piece of work to be timed: steps of SGD with momentum on the mean squared error.

    Attributes:
        batch: rows in a batch.
        models: how many are trained at once, stacked; 0 for one alone.
        batches: how many different batches there are; they are gone through in turn.
        epochs: 0 to time steps on batches that lie ready; otherwise the whole training on
            `POINTS` points is timed, with the batches taken out of them in a new order each epoch.
        lr, momentum: of SGD.
        device: where, as torch names it.
    """

    network: Network = REPORT
    batch: int = 50
    models: int = 0
    batches: int = 20
    epochs: int = 0
    lr: float = 0.01
    momentum: float = 0.9
    device: str = "cpu"

    @property
    def steps(self) -> int:
        """In one pass over the batches, or in the whole training."""
        return self.epochs * (POINTS // self.batch) if self.epochs else self.batches


def start_weights(task: Task) -> list[Array]:
    """The parameters at the start, in float32; (K, …) for K models.

    σ = √(2 / in), which neither shrinks nor blows up what passes through many rectifiers. The first
    seed is taken with which an output is not dead.
    """
    for seed in itertools.count(SEED):
        weights = _drawn(task, seed)
        if _outputs(task, weights).any():
            break
    return weights


def _drawn(task: Task, seed: int) -> list[Array]:
    generator = np.random.default_rng(seed)
    models = (task.models,) if task.models else ()
    weights = []
    for inputs, outputs, bias in task.network.layers:
        sigma = np.float32(np.sqrt(2 / inputs))
        shape = (*models, outputs, inputs)
        weights.append(generator.standard_normal(shape, np.float32) * sigma)
        if bias:
            weights.append(np.full((*models, outputs), 0.01, np.float32))
    return weights


def _outputs(task: Task, weights: list[Array]) -> Array:
    """Of the first rows.  -> (…, n, out)"""
    y, left = points(task, task.batch)[0], iter(weights)
    for _, _, bias in task.network.layers:
        y = y @ next(left).swapaxes(-1, -2)
        y = np.maximum(y + next(left)[..., None, :] if bias else y, 0)
    return y


def points(task: Task, count: int) -> tuple[Array, Array]:
    """Rows x ~ N(0, 1), and a one-hot target: is (x₁, x₂) near the origin?  -> (n, in), (n, out)"""
    generator = np.random.default_rng(SEED + 1)
    sizes = task.network.sizes
    x = generator.standard_normal((count, sizes[0]), np.float32)
    y = np.zeros((count, sizes[-1]), np.float32)
    y[np.arange(count), (np.square(x[:, :2]).sum(1) < 1).astype(int)] = 1
    return x, y


def batches(task: Task) -> tuple[Array, Array]:
    """The batches that lie ready.  -> (batches, n, in), (batches, n, out)"""
    x, y = points(task, task.batches * task.batch)
    return (
        x.reshape(task.batches, task.batch, x.shape[1]),
        y.reshape(task.batches, task.batch, y.shape[1]),
    )


def orders(task: Task) -> Array:
    """In which order the points are gone through in each epoch.  -> (epochs, points)"""
    generator = np.random.default_rng(SEED + 2)
    return np.stack([generator.permutation(POINTS) for _ in range(task.epochs)])
