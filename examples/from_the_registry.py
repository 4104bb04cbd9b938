"""The disk experiment, of components by name: any that are installed, from any distribution.

    pip install ./examples/acme-nets
    python examples/from_the_registry.py Swish HuberLoss Adam

Nothing here imports a component. A name that two distributions claim is written in full,
``acme-nets/Adam``; ``minidl list`` shows what there is.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import torch
from disk import batches, disk_data, evaluate

from minidl_core import MinidlError, Sequential, registry, train

if TYPE_CHECKING:
    from minidl_core import Module


def network(activation: str, generator: torch.Generator) -> Sequential:
    """The network of disk.py, with another activation: 2 → 25 → 25 → 25 → 2."""

    def linear(fan_in: int, fan_out: int, bias: bool = True) -> Module:
        layer: Module = registry.create(
            "modules", "Linear", fan_in, fan_out, bias, generator=generator
        )
        return layer

    def act() -> Module:
        layer: Module = registry.create("modules", activation)
        return layer

    return Sequential(
        Sequential(linear(2, 25), act(), linear(25, 25, bias=False), act()),
        Sequential(linear(25, 25, bias=False), act(), linear(25, 2), act()),
    )


def run(activation: str, loss_name: str, optimizer_name: str, lr: float, epochs: int) -> float:
    """Train it, and give the share of test points that it gets wrong."""
    generator = torch.Generator().manual_seed(3)
    data = disk_data(generator)
    model = network(activation, generator)
    loss = registry.create("losses", loss_name)
    optimizer = registry.create("optimizers", optimizer_name, model.param(), lr=lr)
    model.info()

    for _ in range(epochs):
        for _ in train(model, loss, optimizer, batches(model, data.train, generator)):
            pass
    return evaluate(model, loss, data.test)[1].item()


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the disk network, of components by name.")
    parser.add_argument("activation", nargs="?", default="ReLU")
    parser.add_argument("loss", nargs="?", default="MSELoss")
    parser.add_argument("optimizer", nargs="?", default="SGD")
    parser.add_argument("--lr", type=float, default=0.01, help="(default: 0.01)")
    parser.add_argument("--epochs", type=int, default=50, metavar="N", help="(default: 50)")
    options = parser.parse_args()
    try:
        error = run(options.activation, options.loss, options.optimizer, options.lr, options.epochs)
    except MinidlError as problem:
        parser.error(str(problem))
    print(f"test error: {error:.1%}")


if __name__ == "__main__":
    main()
