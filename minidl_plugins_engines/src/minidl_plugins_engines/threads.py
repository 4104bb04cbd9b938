"""Small steps run on one thread: using more threads would cost more than the work itself.

The rule depends on the sizes alone, not on whether a step is traced, so that eager and traced steps
add up in the same order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_core import StepFunction

__all__ = ["is_small", "on_one_thread", "plain_step"]

# Elements of parameters times rows of the input, which is how often a fully connected network
# multiplies on its way forward: some tens of microseconds.
SMALL = 1 << 20


def is_small(model: Any, inputs: tuple[Any, ...]) -> bool:
    """Whether a step of `model` on `inputs` has too little work for more than one thread."""
    values = [parameter.value for parameter in model.param()]
    elements = sum(value.numel() for value in values if isinstance(value, torch.Tensor))
    return bool(elements * max(map(_rows, inputs), default=1) < SMALL)


def _rows(x: Any) -> int:
    """How often a layer is applied: whole numbers are looked up one by one, in an embedding."""
    if not isinstance(x, torch.Tensor):
        return 1
    return math.prod(x.shape[:-1]) if x.is_floating_point() else x.numel()


def on_one_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Call `function`, and give the threads back afterwards. The number is the Python thread's."""
    before = torch.get_num_threads()
    if before == 1:
        return function(*args)
    torch.set_num_threads(1)
    try:
        return function(*args)
    finally:
        torch.set_num_threads(before)


def plain_step(step: StepFunction, model: Any) -> StepFunction:
    """Return `step`, with small batches on one thread."""

    def threaded(inputs: tuple[Any, ...], target: Any) -> tuple[Any, torch.Tensor]:
        if torch.get_num_threads() > 1 and is_small(model, inputs):
            return on_one_thread(step, inputs, target)  # type: ignore[no-any-return]
        return step(inputs, target)

    return threaded
