"""JAX: a compiled step called from Python, and many steps in one compiled loop."""

# mypy: disable-error-code="import-not-found, no-untyped-call"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.peers.base import Peer
from benchmarks.problem import POINTS

if TYPE_CHECKING:
    from benchmarks.problem import Array


class JaxStep(Peer):
    """``jax.jit`` of one step; K models by ``jax.vmap`` of it."""

    def build(self) -> None:
        self.one_step: Any = self._update
        if self.task.models:
            self.one_step = jax.vmap(self._update, in_axes=(0, None, None))
        self.compiled: Any = jax.jit(self.one_step, donate_argnums=0)

    def restart(self, weights: list[Array]) -> None:
        self.state: Any = (
            [jnp.array(weight) for weight in weights],
            [jnp.zeros_like(weight) for weight in weights],
        )
        jax.block_until_ready(self.state)

    def weights(self) -> list[Array]:
        return [np.array(parameter) for parameter in self.state[0]]

    def convert(self, array: Array) -> Any:
        return jnp.array(array)

    def convert_orders(self, orders: Array) -> Any:
        return orders  # row numbers for the host, which takes the batches in `train`

    def train(self) -> None:
        x, y, batch = np.asarray(self.x), np.asarray(self.y), self.task.batch
        for order in self.orders:
            for first in range(0, POINTS, batch):
                rows = order[first : first + batch]
                self.step(x[rows], y[rows])
        self.finish()

    def step(self, x: Any, y: Any) -> None:
        self.state, self.loss = self.compiled(self.state, x, y)

    def finish(self) -> None:
        jax.block_until_ready(self.state)

    def _update(self, state: Any, x: Any, y: Any) -> Any:
        parameters, velocities = state
        value, grads = jax.value_and_grad(self._loss)(parameters, x, y)
        lr, momentum = self.task.lr, self.task.momentum
        velocities = [momentum * v + g for v, g in zip(velocities, grads, strict=True)]
        parameters = [p - lr * v for p, v in zip(parameters, velocities, strict=True)]
        return (parameters, velocities), value

    def _loss(self, parameters: Any, x: Any, y: Any) -> Any:
        left = iter(parameters)
        for _, _, bias in self.task.network.layers:
            x = x @ next(left).T
            x = jax.nn.relu(x + next(left) if bias else x)
        return jnp.square(x - y).mean()


class JaxScan(JaxStep):
    """All steps in one ``lax.scan``: Python is left once for all of them."""

    def build(self) -> None:
        super().build()
        self.compiled_run: Any = jax.jit(self._run, donate_argnums=0)
        self.compiled_train: Any = jax.jit(self._train, donate_argnums=0)

    def convert_orders(self, orders: Array) -> Any:
        return jnp.array(orders).reshape(-1, self.task.batch)

    def run(self, cycles: int) -> None:
        self.state = self.compiled_run(self.state, self.x, self.y, cycles)
        self.finish()

    def train(self) -> None:
        self.state = self.compiled_train(self.state, self.x, self.y, self.orders)
        self.finish()

    def _run(self, state: Any, x: Any, y: Any, cycles: int) -> Any:
        def cycle(_: int, state: Any) -> Any:
            return lax.scan(lambda s, batch: self.one_step(s, *batch), state, (x, y))[0]

        return lax.fori_loop(0, cycles, cycle, state)

    def _train(self, state: Any, x: Any, y: Any, orders: Any) -> Any:
        return lax.scan(lambda s, rows: self.one_step(s, x[rows], y[rows]), state, orders)[0]
