"""The loss of one model, made that of a stack of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError, StateError
from minidl_plugins_basic.stacking.structure import Structure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from minidl_core import Loss, Parameter

__all__ = [
    "changes_shared_buffer",
    "check_optimizer",
    "check_size",
    "structure_of_plain",
    "unchanged_buffers",
]


def structure_of_plain(loss: Loss, size: int) -> Structure:
    """Return the structure in which `loss` itself, and no copy, is called for `size` models.

    Raises:
        ArgumentError: it has parameters.
    """
    if loss.param():
        raise ArgumentError(
            f"{type(loss).__name__} has parameters, and each model needs its own; write "
            f"stack([loss_1, …]) with {size} of them",
            where="train",
        )
    return Structure.of_one(loss, size)


def check_size(size: int, of_loss: int) -> None:
    """Refuse a stack of losses for another number of models."""
    if size != of_loss:
        raise ArgumentError(
            f"expected a loss for {size} models, got a stack of {of_loss}; write "
            f"stack([loss] * {size}), or pass the loss of one model",
            where="train",
        )


def check_optimizer(optimizer: Any, parameters: Sequence[Parameter]) -> None:
    """Refuse a plain optimizer of stacked parameters: it would take all models for one."""
    own = {id(parameter) for parameter in parameters}
    if any(id(parameter) in own for parameter in getattr(optimizer, "params", ())):
        name = type(optimizer).__name__
        raise ArgumentError(
            f"expected a stack of optimizers for a stack of models, got one {name}; write "
            f"stack([{name}(model.param(), …) for model in models]) after stack(models)",
            where="train",
        )


def unchanged_buffers(loss: Any) -> Iterator[None]:
    """Raise when resumed if a buffer of `loss`, which all models share, has changed since."""
    before = _buffers(loss)
    yield
    if before != _buffers(loss):
        raise changes_shared_buffer(loss)


def changes_shared_buffer(loss: object) -> StateError:
    """Return the error for a plain loss that changes what the calls for all models share."""
    return StateError(
        f"{type(loss).__name__} changes one of its buffers, which all models would share; write "
        "stack([loss_1, …]) with one for each model",
        where="train",
    )


def _buffers(loss: Any) -> list[tuple[str, int, int]]:
    named: list[tuple[str, Tensor]] = getattr(loss, "named_buffers", list)()
    return [(name, id(buffer), buffer._version) for name, buffer in named]
