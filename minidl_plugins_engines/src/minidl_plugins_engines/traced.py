"""One trace in use: it checks that it still holds, runs, and is verified now and then."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import eager
from minidl_plugins_engines.guards import guard
from minidl_plugins_engines.refusals import MismatchWarning
from minidl_plugins_engines.snapshots import TensorState
from minidl_plugins_engines.threads import is_small, on_one_thread, plain_step
from minidl_plugins_engines.tracing import in_a_tuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from minidl_plugins_engines.inventory import Inventory
    from minidl_plugins_engines.program import Program
    from minidl_plugins_engines.reads import Reads

__all__ = ["Traced"]


class Traced:
    """A compiled step for batches of one signature.

    Attributes:
        wrong: what differed when the step was done both ways, or an empty text.
        split: whether the optimizer is called as it is written, between and after the halves.
    """

    def __init__(
        self, program: Program, inventory: Inventory, reads: Reads, roots: tuple[Any, Any, Any],
        inputs: tuple[Any, ...], target: Any, compile: Callable[..., Any], split: bool,
    ) -> None:  # fmt: skip
        self.wrong = ""
        self.split = split
        self.program = program
        self._written = program.written()
        self._generators = list(inventory.generators)
        self._random = any(call.random for call in program.calls)
        self._unchanged = guard(inventory, reads, roots[:2] if split else roots, inputs, target)
        self._one_thread = is_small(roots[0], inputs)
        self._run = (
            on_one_thread(compile, program, split) if self._one_thread else compile(program, split)
        )
        self._count = 0
        self._next = 1  # the number of the step that is verified: 1, 2, 4, 8, …

    def serves(self, model: Any, loss: Any, optimizer: Any, inputs: Any, target: Any) -> bool:
        """Whether nothing that the trace relies on has changed."""
        try:
            return self._unchanged(model, loss, optimizer, inputs, target)
        except (AttributeError, KeyError, IndexError, RuntimeError, TypeError, ValueError):
            return False

    def step(self, model: Any, loss: Any, optimizer: Any, inputs: Any, target: Any) -> Any:
        """Do a step for which the trace serves; return prediction and loss."""
        self._count += 1
        if self._count >= self._next:
            self._next *= 2
            return self._one_thread_or_more(self._verified, model, loss, optimizer, inputs, target)
        hooks = self._hooks(model, loss, optimizer, inputs, target) if self.split else ()
        state = TensorState((), self._generators) if self.split and self._random else None
        if self._one_thread:
            result = on_one_thread(self._run, *inputs, target, *hooks)
        else:
            result = self._run(*inputs, target, *hooks)
        if result is None or result is False:
            if state is not None:
                state.restore()
            return plain_step(eager(model, loss, optimizer), model)(inputs, target)
        return result

    def _one_thread_or_more(self, function: Any, *args: Any) -> Any:
        return on_one_thread(function, *args) if self._one_thread else function(*args)

    def _hooks(self, model: Any, loss: Any, optimizer: Any, inputs: Any, target: Any) -> Any:
        """Zeroing, which says whether the trace still serves, and the optimizer's step."""

        def zero_grad() -> bool:
            optimizer.zero_grad()
            return self.serves(model, loss, optimizer, inputs, target)

        return zero_grad, optimizer.step

    def _verified(self, model: Any, loss: Any, optimizer: Any, inputs: Any, target: Any) -> Any:
        """Do the step both ways from the same state; the eager result counts."""
        state = TensorState(self._written, self._generators)
        gradients = [each.clone() for each in self._written] if self.split else []
        try:
            hooks = (lambda: (optimizer.zero_grad(), True)[1], lambda: None) if self.split else ()
            result = self._run(*inputs, target, *hooks)
            problem = ""
        except Exception as error:
            result, problem = None, f"the traced step raised {type(error).__name__}: {error}"
        traced = [each.clone() for each in self._written]
        drawn = TensorState((), self._generators)
        state.restore()
        if self.split:
            return self._compared_before_the_step(
                model, loss, optimizer, inputs, target, result, traced, gradients, problem
            )
        prediction, value = eager(model, loss, optimizer)(inputs, target)
        self._compare(result, prediction, value, traced, drawn, problem)
        return prediction, value

    def _compared_before_the_step(
        self, model: Any, loss: Any, optimizer: Any, inputs: Any, target: Any,
        result: Any, traced: list[Tensor], before: list[Tensor], problem: str,
    ) -> Any:  # fmt: skip
        """As `eager`, with a look at the gradients before the optimizer uses them."""

        class Looking:
            @staticmethod
            def zero_grad() -> None:
                optimizer.zero_grad()

            @staticmethod
            def step() -> None:
                nonlocal seen
                seen = [each.clone() for each in self._written]
                optimizer.step()

        seen = before
        prediction, value = eager(model, loss, Looking)(inputs, target)
        self._compare(result, prediction, value, traced, None, problem, seen)
        return prediction, value

    def _compare(
        self, result: Any, prediction: Any, value: Any, traced: list[Tensor], drawn: Any,
        problem: str, expected: list[Tensor] | None = None,
    ) -> None:  # fmt: skip
        if result is None and not problem:
            return  # it failed before anything changed, and eager did not: nothing to compare
        if not problem:
            one = (*in_a_tuple(result[0]), result[1])
            other = (*in_a_tuple(prediction), value)
            if not all(map(same_bits, one, other)):
                problem = "prediction or loss differs"
            elif not all(map(same_bits, traced, expected or self._written)):
                problem = "a parameter, gradient or other state differs after the step"
            elif drawn is not None and not drawn.holds():
                problem = "another amount of random numbers was drawn"
        if problem:
            self.wrong = problem
            warnings.warn(
                f"{type(self).__name__}: a step was done both as traced and eagerly, and the "
                f"results are not the same ({problem}). Something in the model, loss or optimizer "
                "declares traceable = True and is not: it does more than tensor operations that "
                "are the same for every batch of one shape. This model now trains eagerly",
                MismatchWarning,
                stacklevel=2,
            )


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are the same, NaN included; zeros may differ in sign."""
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return False
    return torch.equal(a, b) or bool(((a == b) | ((a != a) & (b != b))).all())
