"""PyTorch as it is usually written: torch.nn, autograd, torch.optim.SGD."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from benchmarks.peers.torch_tensors import TorchTensors

if TYPE_CHECKING:
    from torch import Tensor

    from benchmarks.problem import Array


class StackedLinear(nn.Module):
    """K linear layers as one, by a batched product: how K models are trained at once in torch."""

    def __init__(self, models: int, inputs: int, outputs: int, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(models, outputs, inputs))
        self.bias = nn.Parameter(torch.empty(models, outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        if self.bias is None:
            return torch.bmm(x, self.weight.mT)
        return torch.baddbmm(self.bias.unsqueeze(1), x, self.weight.mT)


class TorchEager(TorchTensors):
    fused = False  # the optimizer's own default

    def build(self) -> None:
        torch.set_grad_enabled(True)
        task = self.task
        modules: list[nn.Module] = []
        for inputs, outputs, bias in task.network.layers:
            if task.models:
                modules.append(StackedLinear(task.models, inputs, outputs, bias))
            else:
                modules.append(nn.Linear(inputs, outputs, bias))
            modules.append(nn.ReLU())
        self.model = nn.Sequential(*modules).to(task.device)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), task.lr, task.momentum, fused=self.fused or None
        )

    def restart(self, weights: list[Array]) -> None:
        with torch.no_grad():
            for parameter, weight in zip(self.model.parameters(), weights, strict=True):
                parameter.copy_(torch.from_numpy(weight))
        for state in self.optimizer.state.values():
            state["momentum_buffer"].zero_()

    def weights(self) -> list[Array]:
        return [parameter.detach().cpu().numpy().copy() for parameter in self.model.parameters()]

    def step(self, x: Tensor, y: Tensor) -> None:
        self.optimizer.zero_grad()
        loss: Any = self.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()

    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over a model's elements; the sum over models, so that none sees another."""
        if not self.task.models:
            return nn.functional.mse_loss(prediction, target)
        return nn.functional.mse_loss(prediction, target) * self.task.models


class TorchFused(TorchEager):
    """With the optimizer that steps all parameters in one kernel."""

    fused = True
