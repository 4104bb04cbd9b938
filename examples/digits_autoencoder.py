"""An autoencoder: 64 pixels of a handwritten digit through 8 numbers, and back.

pip install scikit-learn
python examples/digits_autoencoder.py
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import torch
from sklearn.datasets import load_digits

from minidl_core import Sequential, train
from minidl_plugins_basic import Linear, MSELoss, Sigmoid
from minidl_plugins_nn import GELU, AdamW, CosineSchedule, Scheduler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

BATCH, CODE = 32, 8
SHADES = " .:-=+*#%@"


def autoencoder(generator: torch.Generator) -> Sequential:
    """Return encoder and decoder: (N, 64) -> (N, CODE) -> (N, 64)."""

    def layer(inputs: int, outputs: int) -> Linear:
        return Linear(inputs, outputs, generator=generator)

    return Sequential(
        Sequential(layer(64, 32), GELU(), layer(32, CODE)),
        Sequential(layer(CODE, 32), GELU(), layer(32, 64), Sigmoid()),
    )


def drawn(pixels: Tensor) -> list[str]:
    """Return an image as eight lines of text."""
    shades = (pixels.clamp(0, 1) * (len(SHADES) - 1)).round().long().reshape(8, 8)
    return ["".join(SHADES[shade] for shade in row) for row in shades.tolist()]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Train an autoencoder on digits.")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)

    generator = torch.Generator().manual_seed(asked.seed)
    x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
    x = x[torch.randperm(len(x), generator=generator)]
    learn, test = x[: len(x) * 4 // 5], x[len(x) * 4 // 5 :]

    model = autoencoder(generator)
    optimizer = AdamW(model.param(), lr=5e-3)
    scheduler = Scheduler(optimizer, CosineSchedule(), asked.epochs * -(-len(learn) // BATCH))
    for epoch in range(1, asked.epochs + 1):
        shuffled = learn[torch.randperm(len(learn), generator=generator)]
        batches = scheduler.over((rows, rows) for rows in torch.split(shuffled, BATCH))
        for _ in train(model.train(), MSELoss(), optimizer, batches):
            pass
        again = model.eval().forward(test)
        error = (again - test).square().mean().sqrt().item()
        print(f"epoch {epoch:2}, root mean squared error of a test pixel {error:.4f}", flush=True)
    print("\na test image, and what comes out")
    for left, right in zip(drawn(test[0]), drawn(again[0]), strict=True):
        print(f"{left}   {right}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
