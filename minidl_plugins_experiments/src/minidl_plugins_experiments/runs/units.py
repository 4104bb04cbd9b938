"""The dead and the saturated units of a trained model, from its own forward and backward."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minidl_core import walk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from minidl_core import Module

__all__ = ["with_epochs", "units_of"]

SATURATED = 0.05  # a unit whose mean |slope| is less is saturated, if it is not dead


@dataclass
class _Layer:
    """What one elementwise activation did with the training rows."""

    path: str
    kind: str
    after: str | None
    dead: Tensor
    slopes: Tensor
    rows: int = 0
    gives_output: bool = False
    outputs: list[int] = field(default_factory=list)


def units_of(model: Module, x: Tensor, at_once: int) -> list[dict[str, Any]]:
    """Return an entry for each elementwise activation of `model`, at the rows `x`.

    A unit is *dead* if the slope of its activation is exactly zero in every row: whatever its
    inputs, no gradient passes. It is *saturated* if the mean of |slope| is below 0.05. The slope is
    what ``backward`` of a copy of the activation makes of a gradient of ones, in evaluation mode.

    Args:
        at_once: how many rows go through the model together.
    """
    layers: dict[str, _Layer] = {}
    for rows in torch.split(x, at_once):
        _watch(model, rows, layers)
    return [
        {
            "layer": layer.path,
            "kind": layer.kind,
            "after": layer.after,
            "units": len(layer.dead),
            "dead": layer.dead.nonzero().flatten().tolist(),
            "saturated": (~layer.dead & (layer.slopes / layer.rows < SATURATED))
            .nonzero()
            .flatten()
            .tolist(),
            "gives_output": layer.gives_output,
        }
        for layer in layers.values()
    ]


def with_epochs(
    entries: Sequence[dict[str, Any]], epochs: Sequence[Mapping[str, Any]], restart: int
) -> list[dict[str, Any]]:
    """Return `entries` with ``since``: the epoch since which each dead unit has had no gradient.

    Args:
        epochs: the records of ``result.json`` up to the one that is kept.
        restart: the one that was selected.
    """
    found = []
    for entry in entries:
        since = []
        for unit in entry["dead"]:
            first = len(epochs)  # the last step killed it, if nothing was seen before
            for record in reversed(epochs):
                silent = record.get("silent_units", {}).get(entry["after"])
                if silent is None or unit not in silent[restart]:
                    break
                first = record["epoch"]
            since.append(first)
        found.append({**entry, "since": since})
    return found


def _watch(model: Module, x: Tensor, layers: dict[str, _Layer]) -> None:
    """Run `model` on `x`, and add what its activations did to `layers`."""
    places = list(walk(model))
    parents = {path.rpartition(".")[0] for path, _ in places if path}
    leaves = {id(module): (path, module) for path, module in places if path not in parents}
    made_by: dict[int, str] = {}
    kept: list[Any] = []  # so that no identity is used twice
    recorded: list[Any] = []

    def record(path: str, module: Any) -> None:
        plain = module.forward

        def forward(*inputs: Any) -> Any:
            output = plain(*inputs)
            kept.extend((inputs, output))
            alone = len(inputs) == 1 and isinstance(inputs[0], Tensor)
            if alone and isinstance(output, Tensor):
                if list(module.param()):
                    made_by[id(output)] = path
                else:
                    _add(layers, path, module, inputs[0], output, made_by.get(id(inputs[0])))
            return output

        module.forward = forward
        recorded.append(module)

    for path, module in leaves.values():
        if hasattr(module, "__dict__"):
            record(path, module)
    try:
        prediction = model.forward(x)
    finally:
        for module in recorded:
            del module.forward
    for layer in layers.values():
        layer.gives_output = id(prediction) in layer.outputs
        layer.outputs.clear()


def _add(
    layers: dict[str, _Layer], path: str, module: Any, x: Tensor, output: Tensor, after: str | None
) -> None:
    slopes = _slopes(module, x, output)
    if slopes is None:
        return
    unit = x.ndim - 1 if x.ndim == 3 else 1
    rows = slopes.movedim(unit, -1).reshape(-1, x.shape[unit])
    dead, total = (rows == 0).all(0), rows.double().sum(0)
    layer = layers.get(path)
    if layer is None:
        layer = layers[path] = _Layer(path, type(module).__name__, after, dead, total)
    else:
        layer.dead, layer.slopes = layer.dead & dead, layer.slopes + total
    layer.rows += len(rows)
    layer.outputs.append(id(output))


def _slopes(module: Any, x: Tensor, output: Tensor) -> Tensor | None:
    """Return |dy/dx| of each element; None if `module` is no elementwise activation."""
    if x.shape != output.shape or x.ndim < 2 or not x.is_floating_point():
        return None
    try:
        signs = torch.ones_like(x)
        signs[..., ::2] = -1
        one, other = _backward(module, x, torch.ones_like(x)), _backward(module, x, signs)
    except Exception:  # it cannot be copied, or is not a plain layer: no activation
        return None
    if not isinstance(one, Tensor) or not isinstance(other, Tensor) or one.shape != x.shape:
        return None
    return one.abs() if torch.equal(one.abs(), other.abs()) else None  # each element by itself


def _backward(module: Any, x: Tensor, grad: Tensor) -> Any:
    alone = copy.copy(module)
    vars(alone).pop("forward", None)
    alone = copy.deepcopy(alone)
    alone.eval()
    alone.keep()
    alone.forward(x.clone())
    return alone.backward(grad)
