"""A step done both ways from the same state, and what differs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minidl_plugins_engines.comparing import farthest
from minidl_plugins_engines.inventory import MODEL, WHOLE
from minidl_plugins_engines.snapshots import TensorState
from minidl_plugins_engines.tracing import in_a_tuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from minidl_plugins_engines.ways import Way

__all__ = ["Attempt", "Watching"]


class Watching:
    """An optimizer, with a look at the gradients before it uses them.

    No class made anew for each step: a class refers to itself, and so would keep the model alive.
    """

    def __init__(
        self, optimizer: Any, scope: str, attempt: Attempt, try_it: Callable[[], None]
    ) -> None:
        self._optimizer, self._scope, self._attempt = optimizer, scope, attempt
        self._try_it = try_it

    def zero_grad(self) -> None:
        self._optimizer.zero_grad()
        if self._scope == MODEL:  # what is traced begins from gradients set to zero
            self._try_it()

    def step(self) -> None:
        if self._scope != WHOLE:
            self._attempt.compare_state()
        self._optimizer.step()
        if self._scope == WHOLE:
            self._attempt.compare_state()


class Attempt:
    """A traced step, done and undone.

    Attributes:
        problem: what differed from the eager step, as far as it was compared.
        apart: by how much, if it was a gradient.
    """

    def __init__(
        self, way: Way, written: list[Tensor], model: Any, generators: list[torch.Generator]
    ) -> None:
        self.problem = ""
        self.apart = math.inf
        self._way = way
        gradients = {id(parameter.grad) for parameter in model.param()}
        self._written = sorted(written, key=lambda each: id(each) not in gradients)
        self._gradients = sum(id(each) in gradients for each in written)
        self._generators = generators
        self._start = TensorState((), generators)
        self._after: list[Tensor] = []
        self._drawn = self._start
        self._result: Any = None

    def run(self, step: Callable[[], Any]) -> None:
        """Do the step from where the generators were at first, and put everything back."""
        state = TensorState(self._written, self._generators)
        self._start.restore()
        try:
            self._result = step()
        except Exception as error:
            self.problem = f"the traced step raised {type(error).__name__}: {error}"
        self._after = [each.clone() for each in self._written]
        self._drawn = TensorState((), self._generators)
        state.restore()

    def compare_state(self) -> None:
        """Compare what the step wrote."""
        n, after, now = self._gradients, self._after, self._written
        if not self._result or self.problem:
            return
        if not self._way.same(after[:n], now[:n]):
            self.problem, self.apart = "a gradient differs", farthest(after[:n], now[:n])
        elif not self._way.same_state(after[n:], now[n:]):
            self.problem = "a parameter or other state differs"

    def compare_results(self, prediction: Any, value: Tensor) -> None:
        """Compare what the step returned, and how many random numbers it drew."""
        if not self._result or self.problem:
            return
        one = (*in_a_tuple(self._result[0]), self._result[1])
        other = (*in_a_tuple(prediction), value)
        if not self._way.same(one, other):
            self.problem = "the prediction or the loss differs"
        elif not self._drawn.holds():
            self.problem = "it drew other random numbers"
