"""An engine that counts the steps it carries out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import eager

if TYPE_CHECKING:
    from minidl_core import StepFunction

__all__ = ["counting", "steps"]

steps = 0


def counting(model: Any, loss: Any, optimizer: Any) -> StepFunction:
    """Carry out each step plainly, and count it in ``acme_lab.counting.steps``."""
    plain = eager(model, loss, optimizer)

    def step(inputs: tuple[Any, ...], target: Any) -> tuple[Any, Any]:
        global steps
        steps += 1
        return plain(inputs, target)

    return step
