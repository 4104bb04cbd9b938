"""A convolution network on 8 × 8 images of handwritten digits, trained on four fifths of them.

pip install scikit-learn
python examples/digits_convolution.py
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import torch
from sklearn.datasets import load_digits

from minidl_core import Sequential, train
from minidl_plugins_basic import Linear
from minidl_plugins_nn import (
    GELU,
    AdamW,
    BatchNorm2d,
    Conv2d,
    CrossEntropyLoss,
    Dropout,
    Flatten,
    MaxPool2d,
    OneCycleSchedule,
    Scheduler,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH = 32


def network(generator: torch.Generator) -> Sequential:
    """Return the model: images (N, 1, 8, 8) -> logits (N, 10)."""

    def block(channels: int, filters: int) -> Sequential:
        convolution = Conv2d(channels, filters, 3, padding=1, generator=generator)
        return Sequential(convolution, BatchNorm2d(filters), GELU())

    return Sequential(
        block(1, 16),
        block(16, 32),
        MaxPool2d(2),
        block(32, 64),
        Flatten(),
        Dropout(0.5, generator=generator),
        Linear(64 * 4 * 4, 10, generator=generator),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Train a convolution network on digits.")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)

    digits = load_digits()
    x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    y = torch.tensor(digits.target)
    generator = torch.Generator().manual_seed(asked.seed)
    order = torch.randperm(len(x), generator=generator)
    learn, test = order[: len(x) * 4 // 5], order[len(x) * 4 // 5 :]

    model = network(generator)
    loss = CrossEntropyLoss(label_smoothing=0.1)
    optimizer = AdamW(model.param(), lr=5e-3, weight_decay=0.05)
    steps = -(-len(learn) // BATCH)
    scheduler = Scheduler(optimizer, OneCycleSchedule(), asked.epochs * steps, steps)
    for epoch in range(1, asked.epochs + 1):
        shuffled = learn[torch.randperm(len(learn), generator=generator)]
        batches = scheduler.over((x[rows], y[rows]) for rows in torch.split(shuffled, BATCH))
        for _ in train(model.train(), loss, optimizer, batches):
            pass
        wrong = (model.eval().forward(x[test]).argmax(1) != y[test]).sum()
        print(f"epoch {epoch:2}, {wrong} of {len(test)} test images wrong", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
