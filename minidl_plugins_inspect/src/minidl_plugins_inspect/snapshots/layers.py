"""Activations and gradients of every layer, in a few numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minidl_plugins_inspect.tables import shape_of

if TYPE_CHECKING:
    from minidl_plugins_inspect.watching.layer import Layer
    from minidl_plugins_inspect.watching.watched import Watched

__all__ = ["measured", "structure"]

BINS = 24
MOST_LAYERS = 40  # that are measured; of a deeper model, evenly spread ones


def structure(seen: Watched) -> list[dict[str, Any]]:
    """Return path, module, output shape and number of parameters of every module."""
    return [
        {
            "path": layer.path,
            "module": layer.title,
            "output": shape_of(layer.output),
            "parameters": sum(value.numel() for value, _ in layer.parameters.values()),
        }
        for layer in seen
    ]


def measured(seen: Watched) -> list[dict[str, Any]]:
    """Return the measurements of the layers that compute, in the order of the model."""
    layers = [each for each in seen if each.is_leaf and isinstance(each.output, Tensor)]
    return [_of(layer) for layer in layers[:: max(1, -(-len(layers) // MOST_LAYERS))]]


def _of(layer: Layer) -> dict[str, Any]:
    values = layer.output.detach().double().reshape(-1).cpu()
    finite = values[values.isfinite()]
    numbers: dict[str, Any] = {"path": layer.path, "module": layer.title}
    if finite.numel():
        low, high = float(finite.min()), float(finite.max())
        counts = torch.histc(finite, BINS, low, high) if high > low else None
        numbers |= {
            "mean": rounded(float(finite.mean())),
            "std": rounded(float(finite.std(correction=0))),
            "low": rounded(low),
            "high": rounded(high),
            "counts": [finite.numel()] if counts is None else [int(n) for n in counts.tolist()],
        }
    if isinstance(layer.grad_output, Tensor):
        numbers["gradient"] = rounded(float(layer.grad_output.double().norm()))
    if layer.units is not None:
        numbers["dead"] = rounded(layer.units.dead_share)
        numbers["saturated"] = rounded(layer.units.saturated_share)
    return numbers


def rounded(number: float) -> float | None:
    """Return `number` with five significant digits; None if it is not finite."""
    return float(f"{number:.5g}") if math.isfinite(number) else None
