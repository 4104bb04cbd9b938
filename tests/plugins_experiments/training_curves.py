"""Real runs in small: what ``result.json`` says of them, without the command around."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import Sequential, train
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, stack, unstack
from minidl_plugins_experiments.data.datasets.disk import disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from minidl_core import Module
    from minidl_plugins_experiments.data.data import Data, Split

__all__ = ["disk_network", "norms", "numbers", "result_of", "train_disk"]


def disk_network(generator: torch.Generator, width: int = 25) -> Sequential:
    """The report's network."""
    g = generator
    return Sequential(
        Sequential(
            Linear(2, width, generator=g),
            ReLU(),
            Linear(width, width, bias=False, generator=g),
            ReLU(),
        ),
        Sequential(
            Linear(width, width, bias=False, generator=g),
            ReLU(),
            Linear(width, 2, generator=g),
            ReLU(),
        ),
    )


def train_disk(
    seed: int,
    *,
    epochs: int,
    restarts: int = 8,
    points: int = 1000,
    lr: float = 0.1,
    network: Callable[[torch.Generator], Module] = disk_network,
) -> tuple[dict[str, Any], Data, Module]:
    """The disk experiment: its result, its data, and the restart that was selected."""
    generator = torch.Generator().manual_seed(seed)
    data = disk(generator=generator, dtype=torch.float32, points=points)
    models = [network(generator) for _ in range(restarts)]
    model: Any = stack(models)
    optimizer: Any = stack([SGD(each.param(), lr, 0.9) for each in models])
    loss = model.lift(MSELoss(), optimizer)
    total, done, records = epochs * math.ceil(points / 50), 0, []
    for epoch in range(1, epochs + 1):
        order = torch.randperm(points, generator=generator).split(50)
        batches = [
            tuple(each[rows].expand(restarts, -1, -1) for each in data.train) for rows in order
        ]
        record: dict[str, Any] = {"epoch": epoch, "lr": optimizer.lr}
        for _ in train(model, loss, optimizer, batches):  # type: ignore[arg-type]
            done += 1
            optimizer.lr = lr * (1 - done / total)
        record["gradient_norms"] = norms(model)
        for name, split in (("train", data.train), ("test", data.test)):
            losses, errors = measure(model, loss, split, restarts)
            record[f"{name}_loss"], record[f"{name}_error"] = numbers(losses), numbers(errors)
        records.append(record)
    result = result_of(records)
    return result, data, unstack(model)[result["restarts"]["selected"] or 0]


def measure(model: Module, loss: Any, split: Split, restarts: int) -> tuple[Tensor, Tensor]:
    model.eval()
    loss.eval()
    prediction = model.forward(split.x.expand(restarts, -1, -1))
    value = loss.forward(prediction, split.y.expand(restarts, -1, -1))
    return value, (prediction.argmax(-1) != split.y.argmax(-1)).float().mean(-1)


def norms(model: Module) -> dict[str, list[float | None]]:
    """The norm of every gradient, for each restart of a stack."""
    return {
        name: numbers(parameter.grad.flatten(1).norm(dim=1))
        for name, parameter in model.named_param()
    }


def numbers(values: Tensor) -> list[float | None]:
    """As JSON can say them."""
    return [value if math.isfinite(value) else None for value in values.tolist()]


def result_of(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The result of a classification with these epochs; a restart is dead above 25 %."""
    last = records[-1]
    errors, losses = last["train_error"], last["train_loss"]
    finite = [(value, restart) for restart, value in enumerate(losses) if value is not None]
    dead = [
        restart
        for restart, (error, value) in enumerate(zip(errors, losses, strict=True))
        if value is None or error > 0.25
    ]
    return {
        "config": {},
        "epochs": records,
        "restarts": {
            "count": len(losses),
            "stacked": True,
            "dead": dead,
            "selected": min(finite)[1] if finite else None,
            "by": "train_loss",
        },
    }
