"""When a step is traced, and which trace serves a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import eager
from minidl_plugins_engines.batches import signature
from minidl_plugins_engines.inventory import Inventory
from minidl_plugins_engines.reads import Reads
from minidl_plugins_engines.refusals import NotTraceableError
from minidl_plugins_engines.snapshots import PythonState, TensorState
from minidl_plugins_engines.threads import plain_step
from minidl_plugins_engines.traced import Traced
from minidl_plugins_engines.tracing import trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_plugins_engines.program import Program

    Compile = Callable[[Program], Callable[..., Any]]

__all__ = ["Steps"]

MOST_TRACES = 16  # kept for one model, loss and optimizer
PATIENCE = 32  # steps in a row whose surroundings changed, after which tracing is given up
LARGE = 1 << 26  # bytes of tensors, of which no second copy is made to trace or verify a step


class Steps:
    """The traces of one model, loss and optimizer, none of which it refers to.

    Args:
        compile: makes a function of a program.

    Attributes:
        traces: the latest used first.
        refusal: why steps are not traced, or None.
        wrong: whether a trace was found to be wrong; then there is none any more.
    """

    def __init__(self, compile: Compile) -> None:
        self.traces: list[Traced] = []
        self.refusal: str | None = None
        self.wrong = False
        self._compile = compile
        self._seen: dict[Any, Any] = {}
        self._restless = 0

    def begin(self) -> None:
        """Look again whether steps can be traced; what was in the way may have changed."""
        if not self.wrong:
            self.refusal = None
            self._restless = 0

    def step(self, model: Any, loss: Any, optimizer: Any, inputs: Any, target: Any) -> Any:
        """Do a step for which the latest trace does not serve."""
        roots = (model, loss, optimizer)
        for at, traced in enumerate(self.traces):
            if traced.serves(*roots, inputs, target):
                self.traces.insert(0, self.traces.pop(at))
                return self._do(traced, roots, inputs, target)
        plain = plain_step(eager(*roots), model)
        if self.refusal is not None:
            return plain(inputs, target)
        key = signature(inputs, target)
        if key is None:
            return plain(inputs, target)
        try:
            split = self._is_split(key, roots)
            if split is not None:
                traced = self._trace(roots, inputs, target, split)
                return self._do(traced, roots, inputs, target)
        except NotTraceableError as reason:
            self.refusal = str(reason)
            return plain(inputs, target)
        result = plain(inputs, target)
        self._remember(key, roots)
        return result

    def _do(self, traced: Traced, roots: Any, inputs: Any, target: Any) -> Any:
        result = traced.step(*roots, inputs, target)
        if traced.wrong:
            self.wrong, self.traces = True, []
            self.refusal = f"a traced step gave another result than the eager one: {traced.wrong}"
        return result

    def _is_split(self, key: Any, roots: tuple[Any, Any, Any]) -> bool | None:
        """Whether to trace without the optimizer; None if it is too early to trace."""
        before = self._seen.get(key)
        if before is None:
            return None
        whole, structure, numbers = fingerprint(roots)
        if (whole, structure) != before[:2]:
            self._restless += 1
            if self._restless > PATIENCE:
                raise NotTraceableError("what the step depends on changes from step to step")
            return None
        return not whole or numbers != before[2]

    def _remember(self, key: Any, roots: tuple[Any, Any, Any]) -> None:
        if len(self._seen) >= MOST_TRACES * 4:
            self._seen.clear()
        try:
            self._seen[key] = fingerprint(roots)
        except NotTraceableError as reason:
            self.refusal = str(reason)

    def _trace(self, roots: tuple[Any, Any, Any], inputs: Any, target: Any, split: bool) -> Traced:
        """Trace a step without leaving any change behind."""
        model, loss, optimizer = roots
        inventory = Inventory(model, loss, None if split else optimizer)
        if sum(each.untyped_storage().nbytes() for each in inventory.tensors) > LARGE:
            raise NotTraceableError("the model is large, so that there is little to be saved")
        reads = Reads(inventory.components)
        python = PythonState(inventory)
        tensors = TensorState(inventory.tensors, inventory.generators)
        program, problem = None, None
        try:
            program, _, _ = trace(
                model, loss, None if split else optimizer, inventory.tensors, (*inputs, target)
            )
            problem = python.changed()
        except NotTraceableError as reason:
            problem = str(reason)
        finally:
            python.restore()
            tensors.restore()
        if problem is not None or program is None:
            if not split and program is not None:
                return self._trace(roots, inputs, target, True)
            raise NotTraceableError(problem if program is None else f"the step changes {problem}")
        traced = Traced(program, inventory, reads, roots, inputs, target, self._compile, split)
        self.traces.insert(0, traced)
        del self.traces[MOST_TRACES:]
        return traced


def fingerprint(roots: tuple[Any, Any, Any]) -> tuple[bool, list[Any], list[Any]]:
    """Return what a trace depends on, with or without the optimizer (the first says which).

    Raises:
        NotTraceableError: not even model and loss can be traced.
    """
    try:
        inventory, whole = Inventory(*roots), True
        Reads(inventory.components)
    except NotTraceableError:
        inventory, whole = Inventory(*roots[:2]), False
        Reads(inventory.components)
    return (whole, *inventory.fingerprint())
