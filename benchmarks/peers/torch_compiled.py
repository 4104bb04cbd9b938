"""PyTorch with the whole step compiled: forward, gradients and update in one ``torch.compile``."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from benchmarks.peers.base import NotAvailableError, Peer

if TYPE_CHECKING:
    from torch import Tensor

    from benchmarks.problem import Array


class TorchCompiled(Peer):
    def build(self) -> None:
        if not any(map(shutil.which, ("g++", "clang++"))):
            raise NotAvailableError("no C++ compiler for torch.compile")
        torch.set_grad_enabled(False)
        models = (self.task.models,) if self.task.models else ()
        shapes = [(*models, *shape) for shape in self.task.network.shapes]
        self.parameters = [torch.zeros(shape) for shape in shapes]
        self.velocities = [torch.zeros(shape) for shape in shapes]
        self.compiled: Any = torch.compile(self._step, fullgraph=True, dynamic=False)

    def restart(self, weights: list[Array]) -> None:
        for parameter, weight in zip(self.parameters, weights, strict=True):
            parameter.copy_(torch.from_numpy(weight))
        for velocity in self.velocities:
            velocity.zero_()

    def weights(self) -> list[Array]:
        return [parameter.numpy().copy() for parameter in self.parameters]

    def convert(self, array: Array) -> Tensor:
        return torch.from_numpy(array)

    def step(self, x: Tensor, y: Tensor) -> None:
        self.loss = self.compiled(self.parameters, self.velocities, x, y)

    def _step(
        self, parameters: list[Tensor], velocities: list[Tensor], x: Tensor, y: Tensor
    ) -> Tensor:
        differentiate: Any = torch.func.grad_and_value(self._loss)
        if self.task.models:
            differentiate = torch.func.vmap(differentiate, in_dims=(0, None, None))
        grads, value = differentiate(parameters, x, y)
        for parameter, velocity, grad in zip(parameters, velocities, grads, strict=True):
            velocity.mul_(self.task.momentum).add_(grad)
            parameter.sub_(velocity, alpha=self.task.lr)
        return value  # type: ignore[no-any-return]

    def _loss(self, parameters: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
        left = iter(parameters)
        for _, _, bias in self.task.network.layers:
            x = nn.functional.linear(x, next(left), next(left) if bias else None).relu()
        return nn.functional.mse_loss(x, y)
