"""minidl itself, through its public interface alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from benchmarks.peers.torch_tensors import TorchTensors
from benchmarks.problem import POINTS
from minidl_core import Sequential, train
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, stack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from benchmarks.problem import Array


class Minidl(TorchTensors):
    engine: str | None = None

    def build(self) -> None:
        task = self.task
        models = [self._sequential() for _ in range(task.models or 1)]
        optimizers = [SGD(model.param(), task.lr, task.momentum) for model in models]
        self.model: Any = stack(models) if task.models else models[0]
        self.loss = MSELoss()
        self.optimizer: Any = stack(optimizers) if task.models else optimizers[0]

    def _sequential(self) -> Sequential:
        generator = torch.Generator(self.task.device).manual_seed(0)
        modules: list[Any] = []
        for inputs, outputs, bias in self.task.network.layers:
            modules += [Linear(inputs, outputs, bias, generator=generator), ReLU()]
        return Sequential(*modules)

    def restart(self, weights: list[Array]) -> None:
        for (value, _), weight in zip(self.model.param(), weights, strict=True):
            value.copy_(torch.from_numpy(weight))
        state = self.optimizer.state_dict()
        for each in state.get("models", [state]):
            for velocity in each["velocity"]:
                velocity.zero_()
        self.optimizer.load_state_dict(state)

    def weights(self) -> list[Array]:
        return [value.cpu().numpy().copy() for value, _ in self.model.param()]

    def step(self, x: Tensor, y: Tensor) -> None:
        self._each([(x, y)])

    def run(self, cycles: int) -> None:
        self._each(batch for _ in range(cycles) for batch in self.batches)
        self.finish()

    def train(self) -> None:
        for order in self.orders:
            self._each(self._epoch(order))
        self.finish()

    def _epoch(self, order: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        for first in range(0, POINTS, self.task.batch):
            rows = order[first : first + self.task.batch]
            yield self.x[rows], self.y[rows]

    def _each(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        for _ in train(self.model, self.loss, self.optimizer, batches, engine=self.engine):
            pass


class Compiled(Minidl):
    engine = "inductor"
