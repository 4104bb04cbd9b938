"""The engine ``replay``: a step is traced once, and its operations are called without the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_plugins_engines.comparing import equal
from minidl_plugins_engines.emitting import emit
from minidl_plugins_engines.planning import Plan
from minidl_plugins_engines.remembered import remembered
from minidl_plugins_engines.rewriting import rewrite
from minidl_plugins_engines.ways import Way

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_core import StepFunction
    from minidl_plugins_engines.program import Program

__all__ = ["replay"]


def replay(model: Any, loss: Any, optimizer: Any) -> StepFunction:
    """Carry out steps as ``eager`` does, to the same bits, but without the Python around them."""
    return engine(_WAY, model, loss, optimizer)


def as_python(program: Program, scope: str) -> Callable[..., Any]:
    """Return a Python function that calls the operations of `program`."""
    rewrite(program)
    return emit(Plan(program), program, scope)


_WAY = Way(as_python, equal, equal, rounding=None)


def engine(way: Way, model: Any, loss: Any, optimizer: Any) -> StepFunction:
    """Return the step of the engine that treats traces in this `way`."""
    steps = remembered(way, model, loss, optimizer)
    steps.begin()

    def step(inputs: tuple[Any, ...], target: Any) -> tuple[Any, Any]:
        for traced in steps.traces:
            result = traced.fast and traced.fast(model, loss, optimizer, inputs, target)
            if result:
                return result  # type: ignore[no-any-return]
            break
        return steps.step(model, loss, optimizer, inputs, target)  # type: ignore[no-any-return]

    return step
