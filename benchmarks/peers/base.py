"""What a peer has to do to be timed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from benchmarks import problem

if TYPE_CHECKING:
    from benchmarks.problem import Array, Task


class NotAvailableError(Exception):
    """This peer cannot do this task here; the message says why."""


class Peer(ABC):
    """A way to train networks. It is given a task, and trains from given weights, again and again.

    A subclass that has no loop of its own to offer defines `step`, and inherits the loops.
    """

    def __init__(self, task: Task, ready: tuple[Array, Array] | None = None) -> None:
        """Build all for `task`; `ready` are its batches where they have been drawn already."""
        self.task = task
        self.build()
        if task.epochs:
            x, y = problem.points(task, problem.POINTS)
            self.x, self.y = self.convert(x), self.convert(y)
            self.orders = self.convert_orders(problem.orders(task))
        else:
            x, y = ready or problem.batches(task)
            self.x, self.y = self.convert(x), self.convert(y)
            self.batches = [self.for_models(*pair) for pair in zip(self.x, self.y, strict=True)]

    @abstractmethod
    def build(self) -> None:
        """Build the model and its optimizer, with any weights."""

    @abstractmethod
    def restart(self, weights: list[Array]) -> None:
        """Begin from `weights`, without velocity."""

    @abstractmethod
    def weights(self) -> list[Array]:
        """The parameters as they are now, as NumPy arrays in the order of ``Network.shapes``."""

    @abstractmethod
    def step(self, x: Any, y: Any) -> None:
        """One training step."""

    def convert(self, array: Array) -> Any:
        """A NumPy array as this peer's kind of array."""
        return array

    def convert_orders(self, orders: Array) -> Any:
        """The same for arrays of row numbers."""
        return self.convert(orders)

    def for_models(self, x: Any, y: Any) -> tuple[Any, Any]:
        """A batch as `step` takes it, where several models share it."""
        return x, y

    def finish(self) -> None:
        """Wait for what was started; most peers have nothing to wait for."""
        return

    def run(self, cycles: int) -> None:
        """Go through the batches `cycles` times."""
        for _ in range(cycles):
            for x, y in self.batches:
                self.step(x, y)
        self.finish()

    def train(self) -> None:
        """Train for all epochs, taking each batch out of the points."""
        x, y, batch = self.x, self.y, self.task.batch
        for order in self.orders:
            for first in range(0, problem.POINTS, batch):
                rows = order[first : first + batch]
                self.step(x[rows], y[rows])
        self.finish()
