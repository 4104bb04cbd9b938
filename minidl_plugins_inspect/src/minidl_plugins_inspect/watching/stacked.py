"""`watch` on a stack: each model by itself, and the tensors put together again."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minidl_core import ShapeError
from minidl_plugins_basic import unstack
from minidl_plugins_inspect.watching.layer import Call, Layer
from minidl_plugins_inspect.watching.units import Units
from minidl_plugins_inspect.watching.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["is_stack", "models_of", "watch_stack"]


def is_stack(model: Any) -> bool:
    """Whether `model` is what `stack` returns."""
    return hasattr(model, "why_one_by_one") and callable(getattr(model, "parts", None))


def models_of(model: Any) -> list[Any]:
    """Return a copy of each model of a stack; the stack does not learn that it was unstacked."""
    return unstack(copy.deepcopy(model))


def watch_stack(
    model: Any, x: Any, target: Any, loss: Any, watch: Callable[..., Watched]
) -> Watched:
    """Return what `watch` sees of each model of a stack, with the models in front."""
    losses = models_of(loss) if is_stack(loss) else [loss] * model.size
    for tensor in (*(x if type(x) is tuple else (x,)), target):
        if isinstance(tensor, Tensor) and tensor.shape[:1] != (model.size,):
            raise ShapeError(
                f"expected inputs and target with the {model.size} models in front, "
                f"({model.size}, …), got {tuple(tensor.shape)}; give every model its batch: "
                f"x.expand({model.size}, *x.shape)",
                where="watch",
            )
    seen = [
        watch(each, _of(x, k), _of(target, k), losses[k]) for k, each in enumerate(models_of(model))
    ]
    layers = [_joined(row) for row in zip(*(each.layers for each in seen), strict=True)]
    values = [each.loss for each in seen]
    value = None if loss is None else _stacked(values)
    return Watched(layers, value, has_gradients=loss is not None, models=model.size)


def _of(value: Any, k: int) -> Any:
    """Return what model `k` gets of `value`."""
    if isinstance(value, Tensor):
        return value[k]
    return tuple(_of(item, k) for item in value) if type(value) is tuple else value


def _joined(layers: Sequence[Layer]) -> Layer:
    first = layers[0]
    joined = Layer(first.path, first.kind, first.title, first.is_leaf, note=first.note)
    joined.parameters = {
        name: (
            _stacked([layer.parameters[name][0] for layer in layers]),
            _stacked([layer.parameters[name][1] for layer in layers]),
        )
        for name in first.parameters
    }
    if len({len(layer.calls) for layer in layers}) > 1:
        joined.note = "the models called it differently often"
        return joined
    for calls in zip(*(layer.calls for layer in layers), strict=True):
        joined.calls.append(
            Call(
                _stacked([call.input for call in calls]),
                _stacked([call.output for call in calls]),
                _stacked([call.pushed for call in calls]) or [],
                _stacked([call.grad_output for call in calls]),
                _stacked([call.grad_input for call in calls]),
            )
        )
    units = [layer.units for layer in layers if layer.units is not None]
    if len(units) == len(layers):
        joined.units = Units(
            torch.stack([each.dead for each in units]),
            torch.stack([each.saturated for each in units]),
        )
    return joined


def _stacked(values: Sequence[Any]) -> Any:
    """Put tensors of one shape together; a list of what cannot be."""
    first = values[0]
    if isinstance(first, Tensor) and len({value.shape for value in values}) == 1:
        return torch.stack(list(values))
    if type(first) in (tuple, list) and len({len(value) for value in values}) == 1:
        return type(first)(_stacked(column) for column in zip(*values, strict=True))
    return None if first is None else list(values)
