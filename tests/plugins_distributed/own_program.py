"""Run in each of several processes: a program of one's own, with a layer that stands twice.

python own_program.py FOLDER     rank 0 leaves weights there, and each rank what it went through
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from torch import distributed

from minidl_core import NonFiniteError, Sequential, train
from minidl_plugins_basic import SGD, Linear, MSELoss, Tanh
from minidl_plugins_distributed import DataParallel
from minidl_plugins_distributed.synchronising import synchronise

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCHES = [(12, 1), (7, 2), (1, 3)]  # rows and seed; the last has fewer rows than there are ranks


class Noisy(Tanh):
    """Keeps a number and a source of randomness, which differ between ranks."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.register_buffer("seen", torch.tensor(float(rank)))
        self.generator = torch.Generator().manual_seed(rank)


def model(seed: int) -> Sequential:
    generator = torch.Generator().manual_seed(seed)
    make = partial(Linear, generator=generator, dtype=torch.float64)
    twice = make(5, 5)
    return Sequential(make(3, 5), Tanh(), twice, Tanh(), twice, make(5, 2))


def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    drawn = []
    for rows, seed in BATCHES * 4:
        generator = torch.Generator().manual_seed(seed)
        x, y = (torch.randn(rows, n, generator=generator).double() for n in (3, 2))
        drawn.append((x, y))
    return drawn


def main(folder: Path) -> None:
    torch.set_grad_enabled(False)
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    network = model(seed=rank)  # not alike, until the optimizer makes them so
    optimizer = DataParallel(network.param(), partial(SGD, lr=0.1, momentum=0.9))

    def shares() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for x, y in batches():
            rows = optimizer.share(torch.arange(len(x)))
            yield x[rows], y[rows]

    for _ in train(network, MSELoss(), optimizer, shares()):
        pass
    weights = {name: parameter.value.clone() for name, parameter in network.named_param()}
    if rank == 0:
        save_file(weights, folder / "weights.safetensors")
    bad = torch.full((2, 3), torch.nan if rank == 1 else 1.0, dtype=torch.float64)
    try:
        list(train(network, MSELoss(), optimizer, [(bad, torch.ones(2, 2, dtype=torch.float64))]))
    except NonFiniteError as error:
        if rank == 1:
            optimizer.give_up()
        (folder / f"error{rank}").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
    same = all(torch.equal(p.value, weights[name]) for name, p in network.named_param())
    (folder / f"same{rank}").write_text(str(same), encoding="utf-8")
    noisy = Noisy(rank)
    synchronise(Sequential(network, noisy), torch.device("cpu"))
    drawn = torch.rand(1, generator=noisy.generator)
    (folder / f"kept{rank}").write_text(f"{noisy.seen.item()} {drawn.item()}", encoding="utf-8")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
