"""What a result is compared with: the best constant, and a linear model trained the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import MinidlError, NonFiniteError, train
from minidl_plugins_experiments.training.errors import class_counts
from minidl_plugins_experiments.training.metrics import for_json
from minidl_plugins_experiments.training.restarts import TrainingState
from minidl_plugins_experiments.training.schedules import (
    LearningRate,
    build_schedule,
    is_constant,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from minidl_plugins_experiments.data.data import Split
    from minidl_plugins_experiments.training.preparing import Prepared

__all__ = ["baselines"]

LINEAR = "minidl-plugins-basic/Linear"
# What the outputs must go through where a loss expects probabilities.
LAST = {"BCELoss": "Sigmoid", "NLLLoss": "LogSoftmax"}


def baselines(prepared: Prepared) -> dict[str, Any]:
    """Return the errors of both on each split, for ``result.json``.

    The linear model has the run's loss, optimizer, schedule, batch size, epochs and engine, and
    random numbers of its own: the run is the same with and without it. Where it cannot be trained,
    ``reason`` says why.
    """
    found: dict[str, Any] = {"constant": None, "linear": None, "reason": None}
    x, y = prepared.data.train
    found["constant"] = _constant(prepared)
    if x.ndim != 2 or not x.is_floating_point() or y.ndim != (2 if y.is_floating_point() else 1):
        return {**for_json(found), "reason": "the data are no table of numbers"}
    if x.shape == y.shape and torch.equal(x, y):
        return {**for_json(found), "reason": "the targets are the inputs, which it would copy"}
    try:
        found["linear"] = _errors(prepared, _linear(prepared))
    except NonFiniteError:
        found["reason"] = "its loss is not finite with this learning rate"
    except MinidlError as error:
        found["reason"] = str(error)
    except Exception as error:
        found["reason"] = f"{type(error).__name__}: {error}"
    return dict(for_json(found))


def _constant(prepared: Prepared) -> dict[str, float]:
    """Return the errors of the mean of the training targets, or of their most frequent class."""
    y = prepared.data.train.y
    if prepared.data.task == "regression":
        mean = y.mean(0)
        return _errors(prepared, lambda x: mean.expand(len(x), *mean.shape))
    best = int(class_counts(y).argmax())
    errors = {}
    for name, split in _splits(prepared):
        counts = class_counts(split.y)
        hits = counts[best] if best < len(counts) else 0
        errors[f"{name}_error"] = float(1 - hits / counts.sum())
    return errors


def _linear(prepared: Prepared) -> Callable[[Tensor], Tensor]:
    """Train a linear model; return its prediction."""
    experiment, builder = prepared.experiment, prepared.builder
    x, y = prepared.data.train
    count = max(int(split.y.max()) + 1 for _, split in _splits(prepared))
    outputs = y.shape[1] if y.ndim == 2 else count
    layers: list[Any] = [{LINEAR: [x.shape[1], outputs]}]
    layers += [LAST[experiment.loss.name]] if experiment.loss.name in LAST else []
    weights = torch.Generator(prepared.device).manual_seed(prepared.weights_seed)
    model = builder.model(layers, weights).module
    optimizer = builder.optimizer(experiment.optimizer, model.param())
    state = TrainingState(model, builder.loss(experiment.loss), optimizer)
    schedules = []
    if not is_constant(experiment.schedule):
        schedules = [build_schedule(experiment.schedule, builder)]
    per_epoch = -(-len(x) // experiment.batch_size)
    rate = LearningRate(optimizer, schedules, experiment.epochs * per_epoch, per_epoch)
    order = torch.Generator().manual_seed(experiment.seed)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        rows = torch.randperm(len(x), generator=order).to(x.device)
        for part in torch.split(rows, experiment.batch_size):
            yield x[part], y[part]

    for epoch in range(experiment.epochs):
        model.train()
        state.loss.train()
        steps = rate.over(batches(), epoch * per_epoch)
        for _ in train(model, state.loss, optimizer, steps, engine=prepared.engine):
            pass
    model.eval()

    def predict(x: Tensor) -> Tensor:
        prediction: Tensor = model.forward(x)
        return prediction

    return predict


def _errors(prepared: Prepared, predict: Callable[[Tensor], Tensor]) -> dict[str, float]:
    return {
        f"{name}_error": prepared.error(predict(split.x), split.y).item()
        for name, split in _splits(prepared)
    }


def _splits(prepared: Prepared) -> list[tuple[str, Split]]:
    data = prepared.data
    splits = {"train": data.train, "test": data.test, "validation": data.validation}
    return [(name, split) for name, split in splits.items() if split is not None]
