"""All restarts as one stack, and why they are trained one after another where they are."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch

from minidl_core import MinidlError, eager
from minidl_plugins_basic import StackWarning, stack
from minidl_plugins_experiments.training.module_state import named_generators
from minidl_plugins_experiments.training.restarts import TrainingState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["TRIAL_ROWS", "stacked", "why_not_stacked"]

TRIAL_ROWS = 8


def stacked(states: Sequence[TrainingState]) -> TrainingState:
    """Return one training state for all of `states`: a stack of models, losses and optimizers."""
    model = stack([state.model for state in states])
    loss = stack([state.loss for state in states])
    optimizer = stack([state.optimizer for state in states])
    schedules = [schedule for state in states for schedule in state.schedules]
    return TrainingState(model, loss, optimizer, (len(states),), schedules=schedules)


def why_not_stacked(states: Sequence[TrainingState], x: Tensor, y: Tensor) -> str | None:
    """Return why models like `states` are not trained as one stack, or None if they can be.

    A stack is right by construction; a step of one shows whether its operations can be batched.
    Models that draw random numbers are not stacked, because each has a generator of its own: so the
    first restart is the run without restarts, and a resumed run goes on to the same bits.

    Args:
        states: three, one to see whether it draws and two to stack; all of them are changed.
    """
    alone, *others = states
    before = {name: each.get_state() for name, each in _generators(alone).items()}
    alone.model.train()
    alone.loss.train()
    eager(alone.model, alone.loss, alone.optimizer)((x,), y)
    for name, generator in _generators(alone).items():
        if not torch.equal(generator.get_state(), before[name]):
            return f"{name.partition('.')[0]} draws random numbers (`{name.partition('.')[2]}`)"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StackWarning)
            together = stacked(others)
            together.model.train()
            together.loss.train()
            step = eager(together.model, together.loss, together.optimizer)
            step((together.expand(x),), together.expand(y))
    except MinidlError as error:
        return str(error)
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else "no reason"
        return f"{type(error).__name__}: {first}"
    parts = (together.model, together.loss, together.optimizer)
    reasons = [getattr(part, "why_one_by_one", None) for part in parts]
    return next((reason for reason in reasons if reason), None)


def _generators(state: TrainingState) -> dict[str, torch.Generator]:
    """Return the generators of model and loss, by the names of their class and place."""
    return {
        f"{type(module).__name__}.{name}": generator
        for module in (state.model, state.loss)
        for name, generator in named_generators(module).items()
    }
