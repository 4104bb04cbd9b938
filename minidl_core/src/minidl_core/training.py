"""The training loop as a generator, and the step that gives all engines their meaning."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from minidl_core.discovery import registry as installed
from minidl_core.errors import ArgumentError, ComponentNotFoundError, ComponentUnavailableError
from minidl_core.nonfinite import nonfinite_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from minidl_core.components import Component
    from minidl_core.discovery import Registry
    from minidl_core.protocols import Engine, Loss, Module, Optimizer, StepFunction

__all__ = ["Step", "eager", "find_engine", "resolve_engine", "train"]


class Step(NamedTuple):
    """What one training step did.

    Attributes:
        number: its place within this pass, from 0.
        loss: the loss before the step; one value for each model of a stack.
        prediction: the output that the loss was computed on.
        target: the batch's target.
    """

    number: int
    loss: Tensor
    prediction: Any
    target: Any


def train(
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    batches: Iterable[tuple[Any, Any]],
    *,
    engine: str | Engine | None = None,
) -> Iterator[Step]:
    """Train on each batch in turn, and yield after each step::

        for epoch in range(50):
            for step in train(model, loss, optimizer, batches):
                ...

    It is lazy: nothing happens until it is iterated, and stopping early is leaving the loop.
    Between steps the caller may evaluate, log, or change ``optimizer.lr``: each step begins by
    putting `model` and `loss` into training mode, and leaves its gradients in place to be read.

    Args:
        batches: pairs (input, target); the input of a module with several is a tuple of them.
        engine: how steps are carried out: a name such as ``"eager"``, or an engine itself. None
            means the variable ``MINIDL_ENGINE``, else the default of the installation.

    Raises:
        NonFiniteError: the loss (of every model, in a stack) is NaN or infinite. The parameters
            are as the last good step left them.
        ArgumentError: `batches` is empty, or an item is not such a pair.
        RegistryError: the named engine is not there.
    """
    if hasattr(model, "lift"):
        loss = model.lift(loss, optimizer)
    index = -1
    for index, batch in enumerate(batches):
        inputs, target = _unpack(index, batch)
        if index == 0:
            step = resolve_engine(engine)[1](model, loss, optimizer)
        for module in (model, loss):
            if index == 0 or not module.training:
                module.train()
        try:
            prediction, value = step(inputs, target)
        except BaseException:  # an interrupt too
            for module in (model, loss):
                module.eval()  # discards what waits for a backward that will not come
                module.train()
            raise
        if not any_finite(value):
            raise nonfinite_error(index, model, loss, inputs, target, value)
        yield Step(index, value, prediction, target)
    if index < 0:
        raise ArgumentError(
            "expected at least one batch, got none; a generator is used up after one pass, so "
            "make it anew for each epoch or pass a list",
            where="train",
        )


def eager(model: Any, loss: Any, optimizer: Any) -> StepFunction:
    """Carry out a step as it is written: the engine that every other must agree with."""

    def step(inputs: tuple[Any, ...], target: Any) -> tuple[Any, Tensor]:
        prediction = model.forward(*inputs)
        value = loss.forward(*in_a_tuple(prediction), target)
        if any_finite(value):
            optimizer.zero_grad()
            model.backward(*in_a_tuple(loss.backward()))
            optimizer.step()
        return prediction, value

    return step


def resolve_engine(
    engine: str | Engine | None = None, registry: Registry = installed
) -> tuple[str, Engine]:
    """Return the name and the function of `engine`, as `train` takes it.

    Raises:
        RegistryError: the named engine is missing, ambiguous, not available or broken.
    """
    if engine is not None and not isinstance(engine, str):
        return getattr(engine, "__name__", type(engine).__name__), engine
    component = find_engine(engine, registry)
    return (component.name, component.load()) if component else ("eager", eager)


def find_engine(name: str | None, registry: Registry) -> Component | None:
    """Return the engine in use, without importing it; None where there is none but ``eager``.

    That is the one called `name`, else the one that the environment variable ``MINIDL_ENGINE``
    names, else the one that a distribution registers as ``default``. Such a distribution registers
    it under its own name as well, and the component is given under that name.

    Raises:
        RegistryError: the named engine is missing, ambiguous or not available.
    """
    if name := name or os.environ.get("MINIDL_ENGINE"):
        return registry.find("engines", name)
    try:
        default = registry.find("engines", "default")
    except (ComponentNotFoundError, ComponentUnavailableError):
        return None
    found = (default.distribution, default.value)
    same = [c for c in registry.components("engines") if (c.distribution, c.value) == found]
    return next((c for c in same if c.name != "default"), default)


def in_a_tuple(several: Any) -> tuple[Any, ...]:
    """Return `several` itself if it is a tuple, or a tuple of it alone."""
    return several if type(several) is tuple else (several,)


def any_finite(value: Tensor) -> bool:
    """Whether any model still learns: in a stack, one that diverged leaves the others alone."""
    if value.ndim == 0:
        return math.isfinite(value.item())
    return bool(value.isfinite().any())


def _unpack(index: int, batch: Any) -> tuple[tuple[Any, ...], Any]:
    if isinstance(batch, (tuple, list)) and len(batch) == 2:
        return in_a_tuple(batch[0]), batch[1]
    size = f" of length {len(batch)}" if isinstance(batch, (tuple, list)) else ""
    raise ArgumentError(
        f"expected each batch to be a pair (input, target), got {type(batch).__name__}{size}; "
        "several inputs go in a tuple: ((x1, x2), target)",
        where=f"train › batch {index}",
    )
