"""An LSTM that looks six steps ahead in a chaotic time series, that of Mackey and Glass.

    python examples/series_lstm.py                             train it, and print its errors
    python examples/series_lstm.py --write mackey_glass.csv    write the series for `minidl run`

Reference: M. C. Mackey and L. Glass, Oscillation and chaos in physiological control systems,
Science 1977.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from minidl_core import Sequential, train
from minidl_plugins_basic import Linear, MSELoss
from minidl_plugins_nn import (
    LSTM,
    AdamW,
    ClipNorm,
    CosineSchedule,
    Flatten,
    Scheduler,
    Select,
    WarmUpSchedule,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

WINDOW, HORIZON, BATCH = 24, 6, 32


def mackey_glass(length: int, delay: int = 17, steps: int = 10) -> list[float]:
    """Return x at times 0, 1, …: dx/dt = 0.2 x(t − delay) / (1 + x(t − delay)¹⁰) − 0.1 x(t).

    Ten steps of Euler's method make a unit of time. The first 100 units are left out.
    """
    x = [1.2] * (delay * steps + 1)
    for _ in range((length + 100) * steps):
        late = x[-delay * steps - 1]
        x.append(x[-1] + (0.2 * late / (1 + late**10) - 0.1 * x[-1]) / steps)
    return x[-length * steps :: steps]


def windows(series: Tensor) -> tuple[Tensor, Tensor]:
    """Return windows and the value HORIZON after each.  (T,) -> (n, WINDOW, 1), (n, 1)"""
    before = WINDOW + HORIZON - 1
    x = series.unfold(0, WINDOW, 1)[: len(series) - before]
    return x.unsqueeze(-1), series[before:].unsqueeze(-1)


def lstm(generator: torch.Generator) -> Sequential:
    return Sequential(
        LSTM(1, 16, batch_first=True, generator=generator),
        Select(0),
        Flatten(),
        Linear(16 * WINDOW, 1, generator=generator),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Train an LSTM on the series of Mackey and Glass.")
    parser.add_argument("--write", type=Path, help="write the series to this file, and stop")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--length", type=int, default=1200, help="how many values the series has")
    asked = parser.parse_args(arguments)
    values = mackey_glass(asked.length)
    if asked.write:
        asked.write.write_text("\n".join(["t,x", *(f"{t},{x:.6f}" for t, x in enumerate(values))]))
        return 0
    series = torch.tensor(values)
    rest = len(series) * 4 // 5
    mean, std = series[:rest].mean(), series[:rest].std()
    x, y = windows((series - mean) / std)
    end = rest - WINDOW - HORIZON + 1

    generator = torch.Generator().manual_seed(0)
    model = lstm(generator)
    optimizer = ClipNorm(model.param(), partial(AdamW, lr=1e-2), max_norm=1.0)
    steps = -(-end // BATCH)
    schedule = WarmUpSchedule(20, CosineSchedule())
    scheduler = Scheduler(optimizer, schedule, asked.epochs * steps)
    for epoch in range(1, asked.epochs + 1):
        order = torch.split(torch.randperm(end, generator=generator), BATCH)
        batches = scheduler.over((x[rows], y[rows]) for rows in order)
        losses = [step.loss.item() for step in train(model, MSELoss(), optimizer, batches)]
        print(f"epoch {epoch:3}, loss {sum(losses) / len(losses):.5f}", flush=True)
    model.eval()
    error = (model.forward(x[end:]) - y[end:]).square().mean().sqrt() * std
    naive = (x[end:, -1] - y[end:]).square().mean().sqrt() * std
    print(f"test error {error:.4f}; of taking the last value {naive:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
