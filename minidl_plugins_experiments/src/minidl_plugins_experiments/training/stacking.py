"""A trial that decides whether restarts can be stacked into one model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import MinidlError, eager
from minidl_plugins_basic import stack, unstack
from minidl_plugins_experiments.training.restarts import TrainingState, named_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from minidl_core import Module

__all__ = ["TRIAL_ROWS", "why_not_stacked"]

TRIAL_ROWS = 8  # few, so that a layer that mixes rows with models gives a different result


def why_not_stacked(
    build: Callable[[Module | None], TrainingState], x: Tensor, y: Tensor
) -> str | None:
    """Train two models for one step, stacked and one by one; return None if the results agree.

    Otherwise return the reason. Differences beyond rounding count in more than a few elements.

    Args:
        build: makes the training state of a given model, or of a new one.
    """
    single = [build(None) for _ in range(2)]
    try:
        if not single[0].model.param():
            return "the model has no parameters"
        together = build(stack([state.model for state in single]))
        together.models = (len(single),)
        value = _one_step(together, x, y)
        if value.shape != together.models:
            return f"the loss of a stack has the shape {tuple(value.shape)}, not {together.models}"
        stacked = unstack(together.model)
    except MinidlError as error:
        return str(error)
    except Exception as error:
        return (
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason'}"
        )
    for state, after in zip(single, stacked, strict=True):
        _one_step(state, x, y)
        for (name, alone), (_, other) in zip(
            state.parameters, named_parameters(after), strict=True
        ):
            if not _alike(alone.value, other.value) or not _alike(alone.grad, other.grad):
                return f"{name} of a stack is not trained as it is alone"
    return None


def _one_step(state: TrainingState, x: Tensor, y: Tensor) -> Any:
    state.model.train()
    state.loss.train()
    step = eager(state.model, state.loss, state.optimizer)
    _, value = step((state.expand(x),), state.expand(y))
    return value


def _alike(a: Tensor, b: Tensor) -> bool:
    """Whether `a` and `b` are equal except for rounding.

    A few elements may differ: the sign of a tiny gradient decides some optimizers' steps.
    """
    tolerance = torch.finfo(a.dtype).eps ** 0.5
    a, b = a.double(), b.double()
    scale = a.abs().max().clamp(min=1e-30) if a.numel() else a.new_ones(())
    different = ((a - b).abs() > tolerance * scale + tolerance * a.abs()).sum().item()
    return int(different) <= a.numel() // 50
