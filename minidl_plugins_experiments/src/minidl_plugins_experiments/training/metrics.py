"""The figures of a run: loss, error, gradient norms, dead starts, and the best of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeGuard

import torch
from torch.linalg import vector_norm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeGuard

    from torch import Tensor

    from minidl_core import Loss
    from minidl_plugins_experiments.data.data import Data, Split
    from minidl_plugins_experiments.training.restarts import Lane

__all__ = [
    "best_start",
    "dead_above",
    "dead_starts",
    "for_json",
    "gradient_norms",
    "loss_and_error",
]


def loss_and_error(
    lane: Lane, loss: Loss, split: Split, task: str, predict: Callable[[Lane, Tensor], Tensor]
) -> tuple[list[float], ...]:
    """Of each start of `lane` on all of `split`, as it can `predict` in evaluation mode.

    The error of a classification is the share of rows whose largest output is not the label's (of
    a single output: which is on the wrong side of ½), that of a regression the root of the mean
    squared difference.
    """
    lane.model.eval()
    loss.eval()
    prediction = predict(lane, split.x)
    value = loss.forward(prediction, lane.for_each(split.y))
    return value.reshape(-1).tolist(), error_of(prediction, split.y, task).reshape(-1).tolist()


def error_of(prediction: Tensor, y: Tensor, task: str) -> Tensor:
    """One error for each model.  (K, n, outputs), (n, outputs) -> (K,)"""
    if task == "regression":
        return (prediction - y).float().square().mean((-2, -1)).sqrt()
    if y.shape[-1] == 1:
        return ((prediction > 0.5) != (y > 0.5)).squeeze(-1).float().mean(-1)
    return (prediction.argmax(-1) != y.argmax(-1)).float().mean(-1)


def gradient_norms(lane: Lane) -> dict[str, list[float]]:
    """‖dJ/dp‖ of the latest step, for each parameter p by its name, of each start of `lane`."""
    return {
        name: vector_norm(parameter.grad.reshape(lane.starts, -1).float(), dim=1).tolist()
        for name, parameter in lane.parameters
    }


def dead_above(data: Data) -> float:
    """The training error above which a start has learned nothing.

    Half of the error of the best constant answer in a classification, nine tenths of it in a
    regression.
    """
    y = data.train.y
    if data.task == "regression":
        return 0.9 * float((y - y.mean(0)).float().square().mean().sqrt())
    if y.shape[1] == 1:
        y = torch.cat([y, 1 - y], 1)
    return 0.5 * float(1 - (y > 0.5).float().mean(0).max())


def dead_starts(
    losses: Sequence[float | None], errors: Sequence[float | None], above: float
) -> list[int]:
    """Which starts learned nothing: an error above `above`, or no finite loss."""
    return [
        start
        for start, (loss, error) in enumerate(zip(losses, errors, strict=True))
        if not is_finite(loss) or error is None or error > above
    ]


def best_start(figures: Sequence[float | None]) -> int | None:
    """The start with the lowest figure, the first of equals; None if none is finite."""
    finite = [(figure, start) for start, figure in enumerate(figures) if is_finite(figure)]
    return min(finite)[1] if finite else None


def is_finite(figure: float | None) -> TypeGuard[float]:
    return figure is not None and math.isfinite(figure)


def for_json(value: Any) -> Any:
    """`value` with None for each number that is not finite, which JSON cannot write."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: for_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [for_json(item) for item in value]
    return value
