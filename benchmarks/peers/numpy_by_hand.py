"""NumPy by hand: the same formulas, written for speed.

All parameters lie in one vector, and so do the gradients and the velocity; every product writes
into an array that is kept from step to step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.peers.base import Peer

if TYPE_CHECKING:
    from benchmarks.problem import Array


@dataclass(slots=True)
class Layer:
    """One linear layer and its rectifier: views of the vectors, and arrays to write into."""

    weight: Array  # (out, in)
    bias: Array | None  # (1, out)
    grad_weight: Array
    grad_bias: Array | None
    y: Array  # (n, out), after the rectifier
    grad: Array  # (n, out)
    active: Array  # (n, out), where y > 0


class NumpyByHand(Peer):
    def build(self) -> None:
        task = self.task
        models = (task.models,) if task.models else ()
        shapes = [(*models, *shape) for shape in task.network.shapes]
        size = sum(map(math.prod, shapes))
        self.value, self.grad, self.velocity, self.change = np.zeros((4, size), np.float32)
        values, grads = self._views(self.value, shapes), self._views(self.grad, shapes)
        self.parameters = list(values)
        self.layers = []
        values_left, grads_left = iter(values), iter(grads)
        for _, outputs, bias in task.network.layers:
            shape = (*models, task.batch, outputs)
            weight, grad_weight = next(values_left), next(grads_left)
            self.layers.append(
                Layer(
                    weight,
                    next(values_left)[..., None, :] if bias else None,
                    grad_weight,
                    next(grads_left)[..., None, :] if bias else None,
                    np.empty(shape, np.float32),
                    np.empty(shape, np.float32),
                    np.empty(shape, bool),
                )
            )
        self.scale = np.float32(2 / (task.batch * task.network.sizes[-1]))

    @staticmethod
    def _views(flat: Array, shapes: list[tuple[int, ...]]) -> list[Array]:
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        parts = np.split(flat, ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def restart(self, weights: list[Array]) -> None:
        for value, weight in zip(self.parameters, weights, strict=True):
            value[...] = weight
        self.velocity[...] = 0

    def weights(self) -> list[Array]:
        return [value.copy() for value in self.parameters]

    def step(self, x: Array, y: Array) -> None:
        layers = self.layers
        inputs = [x]
        for layer in layers:
            np.matmul(inputs[-1], layer.weight.mT, out=layer.y)
            if layer.bias is not None:
                layer.y += layer.bias
            np.maximum(layer.y, 0, out=layer.y)
            inputs.append(layer.y)

        last = layers[-1]
        np.subtract(last.y, y, out=last.grad)
        difference = last.grad.reshape(-1)
        self.loss = np.dot(difference, difference) * self.scale / 2
        last.grad *= self.scale
        for index in range(len(layers) - 1, -1, -1):
            layer = layers[index]
            np.greater(layer.y, 0, out=layer.active)
            layer.grad *= layer.active
            np.matmul(layer.grad.mT, inputs[index], out=layer.grad_weight)
            if layer.grad_bias is not None:
                layer.grad.sum(-2, keepdims=True, out=layer.grad_bias)
            if index:
                np.matmul(layer.grad, layer.weight, out=layers[index - 1].grad)

        self.velocity *= self.task.momentum
        self.velocity += self.grad
        np.multiply(self.velocity, self.task.lr, out=self.change)
        self.value -= self.change
