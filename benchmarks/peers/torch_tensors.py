"""A peer whose arrays are torch's tensors, on the task's device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from benchmarks.peers.base import Peer

if TYPE_CHECKING:
    from torch import Tensor

    from benchmarks.problem import Array


class TorchTensors(Peer):
    def convert(self, array: Array) -> Tensor:
        return torch.from_numpy(array).to(self.task.device)

    def for_models(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        models = (self.task.models,) if self.task.models else ()
        return x.expand(*models, *x.shape), y.expand(*models, *y.shape)

    def finish(self) -> None:
        if self.task.device != "cpu":
            torch.cuda.synchronize()
