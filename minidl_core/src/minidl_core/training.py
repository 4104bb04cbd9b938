"""The training loop: one pass over the batches, as a generator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from minidl_core.errors import ArgumentError
from minidl_core.gradient_pass import gradient_pass
from minidl_core.nonfinite import nonfinite_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from minidl_core.protocols import Loss, Module, Optimizer

__all__ = ["Step", "train"]


class Step(NamedTuple):
    """What one training step did.

    Attributes:
        number: its place within this pass, from 0.
        loss: the loss before the step; one value for each stacked model.
        prediction: the output that the loss was computed on.
        target: the batch's target.
    """

    number: int
    loss: Tensor
    prediction: Tensor
    target: Tensor


def train(
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    batches: Iterable[tuple[Any, Tensor]],
) -> Iterator[Step]:
    """Train on each batch in turn, and yield after each step::

        for epoch in range(50):
            for step in train(model, loss, optimizer, batches):
                ...

    It is lazy: nothing happens until it is iterated, and stopping early is leaving the loop.
    Between steps the caller may evaluate, log, or change ``optimizer.lr``: the first step, and each
    that finds `model` or `loss` in evaluation mode, begins by putting them, with all inside, into
    training mode. Each step leaves its gradients in place to be read.

    Args:
        batches: pairs (input, target); the input of a module with several is a tuple of them.

    Raises:
        NonFiniteError: the loss (of every stacked model, if there are several) is NaN or
            infinite. The parameters are as the last good step left them.
        ArgumentError: `batches` is empty, or an item is not such a pair.
    """
    index = -1
    for index, batch in enumerate(batches):
        inputs, target = _unpack(index, batch)
        if index == 0 or not model.training:
            model.train()
        if index == 0 or not loss.training:
            loss.train()
        gradients = gradient_pass(model, loss, inputs, target)
        prediction, value = next(gradients)
        if not _any_finite(value):
            raise nonfinite_error(index, model, loss, inputs, target, value)
        optimizer.zero_grad()
        next(gradients, None)
        optimizer.step()
        yield Step(index, value, prediction, target)
    if index < 0:
        raise ArgumentError(
            "expected at least one batch, got none; a generator is used up after one pass, so "
            "make it anew for each epoch or pass a list",
            where="train",
        )


def _any_finite(value: Tensor) -> bool:
    """Whether any model of the stack still learns: one that diverged leaves the others alone."""
    if value.ndim == 0:
        return math.isfinite(value.item())
    return bool(value.isfinite().any())


def _unpack(index: int, batch: Any) -> tuple[tuple[Any, ...], Any]:
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        size = f" of length {len(batch)}" if isinstance(batch, (tuple, list)) else ""
        raise ArgumentError(
            f"expected each batch to be a pair (input, target), got {type(batch).__name__}{size}; "
            "several inputs go in a tuple: ((x1, x2), target)",
            where=f"train › batch {index}",
        )
    inputs, target = batch
    return (inputs if isinstance(inputs, tuple) else (inputs,)), target
