"""How an engine makes functions of traces, and when such a function has done right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from minidl_plugins_engines.program import Program

__all__ = ["Way"]


class Way(NamedTuple):
    """What one engine does with a trace.

    Attributes:
        compile: ``compile(program, scope)`` makes a function of a program; see `emitting.emit`.
        same: whether predictions, losses and gradients are what they are eagerly.
        same_state: whether what the optimizer writes, and other state, is.
        rounding: ``rounding(program, batch, gradients, generators)`` is how far a gradient moves by
            rounding alone; None if the engine rounds as the eager step does.
    """

    compile: Callable[[Program, str], Callable[..., Any]]
    same: Callable[[Sequence[Tensor], Sequence[Tensor]], bool]
    same_state: Callable[[Sequence[Tensor], Sequence[Tensor]], bool]
    rounding: Callable[..., float] | None
