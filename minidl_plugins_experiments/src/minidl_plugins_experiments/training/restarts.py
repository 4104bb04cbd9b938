"""The models of a run: one for each restart, or one stack of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from minidl_plugins_basic import unstack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from minidl_core import Loss, Module, Optimizer, Parameter
    from minidl_plugins_experiments.training.schedules import Schedule

__all__ = ["TrainingState", "find_restart", "named_parameters"]


@dataclass
class TrainingState:
    """A model with its loss and optimizer: one restart, or all restarts stacked into one model.

    Attributes:
        models: (K,) for K stacked restarts, () for one restart.
        diverged: whether its loss is no longer finite; then it is not trained further.
        evaluate_batch: how many rows it predicts at once; None for all.
        schedules: a schedule for each restart; none if the learning rate is constant.
        norms: of each parameter's gradient, in some steps of the latest epoch.
    """

    model: Module
    loss: Loss
    optimizer: Optimizer
    models: tuple[int, ...] = ()
    diverged: bool = False
    evaluate_batch: int | None = None
    schedules: list[Schedule] = field(default_factory=list)
    norms: list[dict[str, list[float]]] = field(default_factory=list)

    @property
    def restarts(self) -> int:
        """The number of restarts in it."""
        return self.models[0] if self.models else 1

    @cached_property
    def parameters(self) -> list[tuple[str, Parameter]]:
        """The model's parameters, by torch's names."""
        return named_parameters(self.model)

    def expand(self, x: Tensor) -> Tensor:
        """Return a view of `x` for each model.  (n, …) -> (K, n, …)"""
        return x.expand(*self.models, *x.shape) if self.models else x

    def restart(self, index: int) -> Module:
        """Return the model of one restart."""
        return unstack(self.model)[index] if self.models else self.model


def find_restart(states: Iterable[TrainingState], index: int) -> tuple[Module, Loss]:
    """Return the model of one restart, counted over all `states`, and its loss."""
    for state in states:
        if index < state.restarts:
            return state.restart(index), state.loss
        index -= state.restarts
    raise IndexError(index)


def named_parameters(model: Module) -> list[tuple[str, Parameter]]:
    """Return the parameters by torch's names, or by number if the module has no names."""
    named = getattr(model, "named_param", None)
    if named is not None:
        return list(named())
    return [(str(index), parameter) for index, parameter in enumerate(model.param())]
