"""The starts of a run: stacked into one model where that works, else side by side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import MinidlError
from minidl_plugins_basic import stack, unstack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from minidl_core import Loss, Module, Optimizer, Parameter

__all__ = ["Lane", "named_parameters", "why_not_stacked"]

TRIAL_ROWS = 8  # one sample, or as few, so that a layer that mixes rows and models is found out


@dataclass
class Lane:
    """One model that is trained: one start, or a stack of all of them.

    Attributes:
        models: (K,) for K stacked starts, () for one alone.
        diverged: whether its loss stopped being finite, so that it is trained no more.
    """

    model: Module
    optimizer: Optimizer
    models: tuple[int, ...] = ()
    diverged: bool = False

    @property
    def starts(self) -> int:
        return self.models[0] if self.models else 1

    @cached_property
    def parameters(self) -> list[tuple[str, Parameter]]:
        """By torch's names."""
        return named_parameters(self.model)

    def for_each(self, x: Tensor) -> Tensor:
        """A view of `x` for each of the models.  (n, features) -> (K, n, features)"""
        return x.expand(*self.models, *x.shape) if self.models else x

    def alone(self, start: int) -> Module:
        """That one of its starts, as a model of its own."""
        return unstack(self.model)[start] if self.models else self.model


def named_parameters(model: Module) -> list[tuple[str, Parameter]]:
    """By torch's names; by number for a module that has no names."""
    named = getattr(model, "named_param", None)
    if named is not None:
        return list(named())
    return [(str(index), parameter) for index, parameter in enumerate(model.param())]


def why_not_stacked(
    models: Sequence[Module],
    loss: Loss,
    optimizer_of: Callable[[Module], Optimizer],
    x: Tensor,
    y: Tensor,
) -> str | None:
    """Try two of `models`, which it may change: None if a stack of them trains as they do alone.

    Otherwise the reason. A difference beyond rounding in more than a few parameters counts.
    """
    try:
        if not models[0].param():
            return "the model has no parameters"
        together = stack(models)
        lane = Lane(together, optimizer_of(together), (len(models),))
        value = one_step(lane.model, loss, lane.optimizer, lane.for_each(x), lane.for_each(y))
        if value.shape != lane.models:
            return f"the loss of a stack has the shape {tuple(value.shape)}, not {lane.models}"
        stacked = unstack(together)
    except MinidlError as error:
        return str(error)
    except Exception as error:
        return (
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason'}"
        )
    for model, after in zip(models, stacked, strict=True):
        one_step(model, loss, optimizer_of(model), x, y)
        for (name, alone), (_, other) in zip(
            named_parameters(model), named_parameters(after), strict=True
        ):
            if not _alike(alone.value, other.value) or not _alike(alone.grad, other.grad):
                return f"{name} of a stack is not trained as it is alone"
    return None


def one_step(model: Module, loss: Loss, optimizer: Optimizer, x: Tensor, y: Tensor) -> Any:
    model.train()
    loss.train()
    value = loss.forward(model.forward(x), y)
    optimizer.zero_grad()
    model.backward(loss.backward())
    optimizer.step()
    return value


def _alike(a: Tensor, b: Tensor) -> bool:
    """Equal but for rounding; a few may differ, as a step by the sign of a tiny gradient does."""
    tolerance = torch.finfo(a.dtype).eps ** 0.5
    a, b = a.double(), b.double()
    scale = a.abs().max().clamp(min=1e-30) if a.numel() else a.new_ones(())
    different = ((a - b).abs() > tolerance * scale + tolerance * a.abs()).sum().item()
    return int(different) <= a.numel() // 50
