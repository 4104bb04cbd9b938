"""The metrics of a run: loss, error, gradient norms, and which restarts are dead or best."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from torch.linalg import vector_norm

from minidl_plugins_experiments.training.errors import class_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch import Tensor

    from minidl_plugins_experiments.data.data import Data, Split
    from minidl_plugins_experiments.training.errors import ErrorMeasure
    from minidl_plugins_experiments.training.restarts import TrainingState

__all__ = [
    "MISSING", "best_restart", "dead_above", "dead_restarts", "for_json", "gradient_norms",
    "measure",
]  # fmt: skip

MISSING = float("nan")


def measure(
    states: Iterable[TrainingState],
    data: Data,
    error: ErrorMeasure,
    predict: Callable[[TrainingState, Tensor], Tensor],
) -> dict[str, Any]:
    """Return loss and error of each split, and gradient norms: one number for each restart.

    Args:
        error: what an error is.
        predict: returns the prediction of a model that is in evaluation mode.
    """
    metrics: dict[str, Any] = {}
    norms: dict[str, list[float]] = {}
    bands: dict[str, dict[str, list[float]]] = {}
    for state in states:
        missing = [MISSING] * state.restarts
        for name, values in gradient_norms(state).items():
            norms.setdefault(name, []).extend(missing if state.diverged else values)
        for layer, quartiles in _quartiles(state.norms).items():
            for kind, values in quartiles.items():
                of_layer = bands.setdefault(layer, {}).setdefault(kind, [])
                of_layer.extend(missing if state.diverged else values)
        for name in ("train", "test", "validation"):
            split = getattr(data, name)
            if split is None:
                continue
            losses, errors = missing, missing
            if not state.diverged:
                losses, errors = loss_and_error(state, split, error, predict)
            metrics.setdefault(f"{name}_loss", []).extend(losses)
            metrics.setdefault(f"{name}_error", []).extend(errors)
    metrics["gradient_norms"] = norms
    metrics["gradient_bands"] = bands
    return metrics


def loss_and_error(
    state: TrainingState,
    split: Split,
    error: ErrorMeasure,
    predict: Callable[[TrainingState, Tensor], Tensor],
) -> tuple[list[float], list[float]]:
    """Return the loss and the error on all of `split`, one number for each restart of `state`."""
    state.model.eval()
    state.loss.eval()
    prediction = predict(state, split.x)
    value = state.loss.forward(prediction, state.expand(split.y))
    return value.reshape(-1).tolist(), error(prediction, split.y, state.models).tolist()


def gradient_norms(state: TrainingState) -> dict[str, list[float]]:
    """Return ‖dJ/dp‖ of the latest step for each p that is trained, a number for each restart."""
    return {
        name: vector_norm(parameter.grad.reshape(state.restarts, -1).float(), dim=1).tolist()
        for name, parameter in state.parameters
        if getattr(parameter, "trainable", True)
    }


def _layer_norms(norms: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Return the norm of each layer's gradient, of all of its parameters together."""
    layers: dict[str, list[float]] = {}
    for name, values in norms.items():
        layer = name.rpartition(".")[0] or name
        layers[layer] = list(map(math.hypot, layers.get(layer, [0.0] * len(values)), values))
    return layers


def _quartiles(steps: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, dict[str, list[float]]]:
    """Return low quartile, median and high quartile over `steps`, for each layer and restart."""
    of_steps = [_layer_norms(norms) for norms in steps]
    found: dict[str, dict[str, list[float]]] = {}
    for layer in of_steps[0] if of_steps else ():
        table = np.quantile([each[layer] for each in of_steps], (0.25, 0.5, 0.75), axis=0)
        rows = [[float(f"{value:.4g}") for value in row] for row in table]
        found[layer] = dict(zip(("low", "median", "high"), rows, strict=True))
    return found


def dead_above(data: Data) -> float:
    """Return the training error above which a restart counts as dead.

    In a classification that is half the error of always giving the most frequent label. In a
    regression it is nine tenths of the error of always giving the mean, and in a text nine tenths
    of that of the most frequent character: what comes next can seldom be known.
    """
    y = data.train.y
    if data.task == "regression":
        return 0.9 * float((y - y.mean(0)).float().square().mean().sqrt())
    counts = class_counts(y)
    several = y.ndim > 1 and not y.is_floating_point()  # a class for each place of a text
    return (0.9 if several else 0.5) * float(1 - counts.max() / counts.sum())


def dead_restarts(
    losses: Sequence[float | None], errors: Sequence[float | None], above: float
) -> list[int]:
    """Return the restarts whose error is greater than `above` or whose loss is not finite."""
    return [
        restart
        for restart, (loss, error) in enumerate(zip(losses, errors, strict=True))
        if not is_finite(loss) or error is None or error > above
    ]


def best_restart(values: Sequence[float | None]) -> int | None:
    """Return the restart with the lowest value, the first of equals; None if none is finite."""
    finite = [(value, restart) for restart, value in enumerate(values) if is_finite(value)]
    return min(finite)[1] if finite else None


def is_finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def for_json(value: Any) -> Any:
    """Return `value` with None in place of each number that is not finite; JSON has none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: for_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [for_json(item) for item in value]
    return value
