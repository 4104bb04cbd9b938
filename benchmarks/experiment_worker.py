"""The whole disk experiment in a process of its own: minidl's many restarts, PyTorch's one.

``python -m benchmarks.experiment_worker PEER`` is started by `benchmarks.processes`.
"""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from benchmarks.loading import load
from benchmarks.worker import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


disk = load("examples/disk.py")


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(disk.SEED)


class Ours:
    """minidl: ``disk.run``, all of it."""

    def measure(self, restarts: int, epochs: int) -> float:
        return seconds(lambda: disk.run(disk.SEED, restarts, epochs))

    def check(self, path: str) -> None:
        """Save the weights of one restart after one epoch."""
        model, optimizer = disk.together([disk.network(seeded())])
        generator = seeded()
        data = disk.disk_data(generator)
        for _ in disk.fit(model, optimizer, disk.MSELoss(), data.train, 1, generator):
            pass
        np.save(path, np.concatenate([value.numpy().ravel() for value, _ in model.param()]))


class Eager:
    """PyTorch as it is usually written: one restart, on the same data in the same order."""

    def measure(self, restarts: int, epochs: int) -> float:
        """The whole experiment: data, training, and both sets' errors after each epoch."""
        assert restarts == 1
        return seconds(lambda: self._experiment(epochs))

    def training(self, epochs: int) -> float:
        """The training alone: data and model lie ready, and nothing is evaluated."""
        generator = seeded()
        points = disk.disk_data(generator).train
        model = self._network()
        return seconds(lambda: self._fit(model, points, epochs, generator, lambda: None))

    def check(self, path: str) -> None:
        generator = seeded()
        points = disk.disk_data(generator).train
        model = self._network()
        self._fit(model, points, 1, generator, lambda: None)
        parameters = [p.detach().numpy().ravel() for p in model.parameters()]
        np.save(path, np.concatenate(parameters))

    def _network(self) -> nn.Sequential:
        model = nn.Sequential(
            *(nn.Linear(2, 25), nn.ReLU(), nn.Linear(25, 25, bias=False), nn.ReLU()),
            *(nn.Linear(25, 25, bias=False), nn.ReLU(), nn.Linear(25, 2), nn.ReLU()),
        )
        with torch.no_grad():
            for parameter, (value, _) in zip(
                model.parameters(), disk.network(seeded()).param(), strict=True
            ):
                parameter.copy_(value)
        return model

    def _experiment(self, epochs: int) -> list[float]:
        generator = seeded()
        data = disk.disk_data(generator)
        model = self._network()
        errors: list[float] = []

        def evaluate() -> None:
            with torch.no_grad():
                for points in (data.train, data.test):
                    prediction: Tensor = model(points.x)
                    nn.functional.mse_loss(prediction, points.y)
                    wrong = prediction.argmax(-1) != points.y.argmax(-1)
                    errors.append(wrong.float().mean().item())

        self._fit(model, data.train, epochs, generator, evaluate)
        return errors

    def _fit(
        self,
        model: nn.Sequential,
        points: Any,
        epochs: int,
        generator: torch.Generator,
        after_epoch: Callable[[], None],
    ) -> None:
        optimizer = torch.optim.SGD(model.parameters(), disk.LEARNING_RATE, disk.MOMENTUM)
        steps = epochs * math.ceil(len(points.x) / disk.BATCH_SIZE)
        done = 0
        for _ in range(epochs):
            order = torch.randperm(len(points.x), generator=generator)
            for first in range(0, len(order), disk.BATCH_SIZE):
                rows = order[first : first + disk.BATCH_SIZE]
                optimizer.zero_grad()
                loss: Any = nn.functional.mse_loss(model(points.x[rows]), points.y[rows])
                loss.backward()
                optimizer.step()
                done += 1
                for group in optimizer.param_groups:
                    group["lr"] = disk.LEARNING_RATE * (1 - done / steps)
            after_epoch()


if __name__ == "__main__":
    serve({"minidl": Ours, "torch": Eager}[sys.argv[1]]())
