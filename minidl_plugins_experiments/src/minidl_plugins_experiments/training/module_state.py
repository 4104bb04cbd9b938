"""Everything in a module that training changes and a checkpoint must hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import walk
from minidl_plugins_experiments.training.restarts import named_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_core import Module
    from minidl_plugins_experiments.training.restarts import TrainingState

__all__ = [
    "buffers_and_generators",
    "named_buffers",
    "named_generators",
    "named_tensors",
    "restart_tensors",
]


def named_tensors(module: Module) -> dict[str, torch.Tensor]:
    """Return every parameter value and buffer, by torch's names."""
    values = {name: parameter.value for name, parameter in named_parameters(module)}
    return {**values, **named_buffers(module)}


def restart_tensors(states: Iterable[TrainingState], index: int) -> dict[str, torch.Tensor]:
    """Return copies of one restart's parameters and buffers, those of its loss below ``loss.``.

    Args:
        index: the restart, counted over all `states`.
    """
    for state in states:
        if index < state.restarts:
            tensors = named_tensors(state.model)
            tensors.update(
                (f"loss.{name}", tensor) for name, tensor in named_tensors(state.loss).items()
            )
            own = {
                name: tensor[index] if state.models else tensor for name, tensor in tensors.items()
            }
            return {name: each.detach().cpu().contiguous().clone() for name, each in own.items()}
        index -= state.restarts
    raise IndexError(index)


def named_buffers(module: Module) -> dict[str, torch.Tensor]:
    """Return every buffer, by torch's names; none of a module without ``named_buffers()``."""
    named: Any = getattr(module, "named_buffers", None)
    return dict(named()) if named is not None else {}


def named_generators(module: Module) -> dict[str, torch.Generator]:
    """Return every generator that is an attribute, as a dropout layer has one."""
    return {
        f"{path}.{name}" if path else name: value
        for path, each in walk(module)
        for name, value in getattr(each, "__dict__", {}).items()
        if isinstance(value, torch.Generator)
    }


def buffers_and_generators(module: Module) -> dict[str, torch.Tensor | torch.Generator]:
    """Return all state of `module` beside its parameters."""
    return {**named_buffers(module), **named_generators(module)}
