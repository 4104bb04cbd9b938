"""One trace in use: it checks that it still holds, runs, and is verified now and then."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import eager
from minidl_plugins_engines.attempt import Attempt, Watching
from minidl_plugins_engines.guards import guard
from minidl_plugins_engines.inventory import MODEL, SCOPES, WHOLE
from minidl_plugins_engines.namespace import Namespace
from minidl_plugins_engines.reads import Reads
from minidl_plugins_engines.refusals import MismatchWarning, NotTraceableError
from minidl_plugins_engines.snapshots import TensorState
from minidl_plugins_engines.threads import is_small, on_one_thread, plain_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_plugins_engines.inventory import Inventory
    from minidl_plugins_engines.program import Program
    from minidl_plugins_engines.ways import Way

__all__ = ["Traced"]

ROUNDINGS = 16  # times the effect of rounding every result once, which is still called rounding


class Traced:
    """A compiled step for batches of one signature.

    Attributes:
        wrong: what differed when the step was done both ways, or an empty text.
        scope: how much of the step is traced; see `Inventory`.
    """

    def __init__(
        self, program: Program, inventory: Inventory, roots: tuple[Any, Any, Any],
        inputs: tuple[Any, ...], target: Any, way: Way,
    ) -> None:  # fmt: skip
        self.wrong = ""
        self.scope = inventory.scope
        self.program = program
        self._way = way
        self._written = program.written()
        self._generators = inventory.generators
        self._random = any(call.random for call in program.calls)
        self._one_thread = is_small(roots[0], inputs)
        try:
            self._run = self._call(way.compile, program, self.scope)
        except Exception as error:
            raise NotTraceableError(f"compiling failed: {type(error).__name__}: {error}") from error
        self._unchanged = guard(inventory, Reads(inventory.components), roots, inputs, target)
        self._verified_times = 0
        self._left = [0]  # steps until the next that is verified: steps 1, 2, 4, 8, … are
        self.fast = self._as_one_function()

    @property
    def due(self) -> bool:
        """Whether the next step is to be verified."""
        return self._left[0] <= 0

    def serves(self, model: Any, loss: Any, optimizer: Any, inputs: Any, target: Any) -> bool:
        """Whether nothing that the trace relies on has changed."""
        return bool(self._unchanged(model, loss, optimizer, inputs, target))

    def step(self, model: Any, loss: Any, optimizer: Any, inputs: Any, target: Any) -> Any:
        """Do a step for which the trace serves; return prediction and loss."""
        if self.due:
            self._verified_times += 1
            self._left[0] = (1 << max(0, self._verified_times - 1)) - 1
            return self._call(self._verified, model, loss, optimizer, inputs, target)
        self._left[0] -= 1
        hooks: tuple[Any, ...] = () if self.scope == WHOLE else (optimizer.step,)
        state = None
        if self.scope == MODEL:
            if self._random:
                state = TensorState((), self._generators)

            def zero_grad() -> bool:
                optimizer.zero_grad()
                return self.serves(model, loss, optimizer, inputs, target)

            hooks = (optimizer.step, zero_grad)
        result = self._call(self._run, *inputs, target, *hooks)
        if result is None or result is False:
            if state is not None:
                state.restore()
            return plain_step(eager(model, loss, optimizer), model)(inputs, target)
        return result

    def _as_one_function(self) -> Callable[..., Any] | None:
        """Return `serves` and `step` as one generated function, for most steps.

        It gives None where a step is to be verified or the trace does not serve.
        """
        if self.scope == MODEL:
            return None
        names = Namespace()
        hook = "" if self.scope == WHOLE else ", r2.step"
        left, run = names.add(self._left), names.add(self._run)
        get, set_ = names.add(torch.get_num_threads), names.add(torch.set_num_threads)
        text = f"""
def fast(r0, r1, r2, inputs, target):
 if {left}[0] <= 0 or not {names.add(self._unchanged)}(r0, r1, r2, inputs, target):
  return None
 {left}[0] -= 1
 threads = {get}() if {self._one_thread} else 1
 if threads == 1:
  return {run}(*inputs, target{hook})
 {set_}(1)
 try:
  return {run}(*inputs, target{hook})
 finally:
  {set_}(threads)
"""
        return names.define("fast", text)  # type: ignore[no-any-return]

    def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        return on_one_thread(function, *args) if self._one_thread else function(*args)

    def _verified(self, model: Any, loss: Any, optimizer: Any, inputs: Any, target: Any) -> Any:
        """Do the step both ways from the same state; the eager result counts."""
        attempt = Attempt(self._way, self._written, model, self._generators)
        hooks = (lambda: None, lambda: True)[: SCOPES.index(self.scope)]

        def try_it() -> None:
            attempt.run(lambda: self._run(*inputs, target, *hooks))

        if self.scope != MODEL:
            try_it()
        watching = Watching(optimizer, self.scope, attempt, try_it)
        prediction, value = eager(model, loss, watching)(inputs, target)
        attempt.compare_results(prediction, value)
        if attempt.problem and not self._is_rounding(attempt, model, inputs, target):
            self._give_up(attempt.problem)
        return prediction, value

    def _is_rounding(self, attempt: Attempt, model: Any, inputs: Any, target: Any) -> bool:
        """Whether gradients differ by no more than rounding what they are computed from does.

        Where a network has learned all of its batch, gradients are differences of numbers that are
        nearly the same, and may have no right digit left.
        """
        if self._way.rounding is None or self.scope == MODEL or not attempt.apart < math.inf:
            return False
        gradients = {id(parameter.grad) for parameter in model.param()}
        try:
            effect = self._way.rounding(
                self.program, (*inputs, target), gradients, self._generators
            )
        except Exception:  # it cannot be told, so the difference stands
            return False
        return math.isfinite(effect) and attempt.apart <= ROUNDINGS * effect

    def _give_up(self, problem: str) -> None:
        self.wrong = problem
        warnings.warn(
            f"a training step was done both as traced and eagerly, and the results are not the "
            f"same: {problem}. Something in the model, loss or optimizer declares traceable = True "
            "but does more than tensor operations that are the same for every batch of one shape. "
            "The eager result was taken, and this model trains eagerly from now on",
            MismatchWarning,
            stacklevel=2,
        )
