"""Thinc, whose layers have hand-written gradients too.

Its ``Relu`` is a linear layer and its rectifier. Of what the network needs, Thinc has neither such
a layer without bias nor SGD with momentum; both are written here as Thinc's own are.
"""

# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from thinc.api import Model, NumpyOps, Relu, chain, use_ops

from benchmarks.peers.base import NotAvailableError, Peer

if TYPE_CHECKING:
    from benchmarks.problem import Array


def relu_without_bias(outputs: int, inputs: int) -> Any:
    return Model(
        "relu_without_bias",
        _forward,
        dims={"nO": outputs, "nI": inputs},
        params={"W": None},
    )


def _forward(model: Any, x: Array, is_train: bool) -> Any:  # noqa: ARG001  (Thinc's signature)
    weight = model.get_param("W")
    y = model.ops.relu(model.ops.gemm(x, weight, trans2=True))

    def backprop(dy: Array) -> Array:
        dy = model.ops.backprop_relu(dy, y)
        model.inc_grad("W", model.ops.gemm(dy, x, trans1=True))
        return model.ops.gemm(dy, weight)

    return y, backprop


class Momentum:
    """SGD with momentum, as an optimizer that Thinc calls for each parameter."""

    def __init__(self, lr: float, momentum: float) -> None:
        self.lr = lr
        self.momentum = momentum
        self.velocities: dict[Any, Array] = {}

    def __call__(self, key: Any, weights: Array, gradient: Array) -> tuple[Array, Array]:
        velocity = self.velocities.get(key)
        if velocity is None:
            velocity = self.velocities[key] = np.zeros_like(weights)
        velocity *= self.momentum
        velocity += gradient
        weights -= self.lr * velocity
        gradient[...] = 0
        return weights, gradient


class ThincLayers(Peer):
    def build(self) -> None:
        if self.task.models:
            raise NotAvailableError("Thinc's layers take one model")
        with use_ops(NumpyOps.name):
            self.nodes = [
                Relu(outputs, inputs) if bias else relu_without_bias(outputs, inputs)
                for inputs, outputs, bias in self.task.network.layers
            ]
            self.model: Any = chain(*self.nodes)
        self.optimizer = Momentum(self.task.lr, self.task.momentum)

    def restart(self, weights: list[Array]) -> None:
        left = iter(weights)
        for node, (_, _, bias) in zip(self.nodes, self.task.network.layers, strict=True):
            node.set_param("W", next(left).copy())
            if bias:
                node.set_param("b", next(left).copy())
        for velocity in self.optimizer.velocities.values():
            velocity[...] = 0

    def weights(self) -> list[Array]:
        return [
            node.get_param(name).copy()
            for node, (_, _, bias) in zip(self.nodes, self.task.network.layers, strict=True)
            for name in (("W", "b") if bias else ("W",))
        ]

    def step(self, x: Array, y: Array) -> None:
        prediction, backprop = self.model.begin_update(x)
        difference = prediction - y
        self.loss = np.square(difference).mean()
        backprop(difference * np.float32(2 / difference.size))
        self.model.finish_update(self.optimizer)
