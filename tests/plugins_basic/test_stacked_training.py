"""A stack trains as each of its models does alone: every kind of layer and of optimizer."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch

from minidl_core import Sequential
from minidl_plugins_basic import MSELoss, StackWarning

from .stacked_cases import (
    MODELS,
    OPTIMIZERS,
    Embedding,
    compare,
    draw,
    linear,
    seeded,
)

K = 3


@pytest.mark.parametrize("name", MODELS)
def test_every_module_trains_as_alone(name: str) -> None:
    build, shape = MODELS[name]
    with pytest.warns(StackWarning) if name == "peeking" else nullcontext():
        stacked, _ = compare(build, OPTIMIZERS["momentum"], draw(0, 4, K, *shape))
    assert (stacked.why_one_by_one is None) == (name != "peeking")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_trains_as_alone(name: str) -> None:
    build, shape = MODELS["decays"]
    _, optimizer = compare(build, OPTIMIZERS[name], draw(0, 6, K, *shape))
    assert optimizer.why_one_by_one is None


def test_an_embedding_trains_as_alone() -> None:
    indices = torch.randint(7, (4, K, 5, 6), generator=seeded(0))
    compare(lambda s: Sequential(Embedding(s, 7, 3), linear(s, 3, 2)), OPTIMIZERS["sgd"], indices)


def test_a_strangers_modules_train_as_alone() -> None:
    acme = pytest.importorskip("acme_nets")

    def build(seed: int) -> Sequential:
        hidden = Sequential(linear(seed, 3, 5), acme.Swish(learned=True, dtype=torch.float64))
        block = acme.Residual(
            Sequential(hidden, linear(seed, 5, 3)), scale=0.5, dtype=torch.float64
        )
        return Sequential(block, linear(seed, 3, 2))

    def lion(params: Any, k: int) -> Any:
        return acme.Lion(params, lr=0.01 * (k + 1), weight_decay=0.1 * k)

    def adam(params: Any, k: int) -> Any:
        return acme.Adam(params, lr=0.01 * (k + 1), betas=(0.9 - 0.1 * k, 0.99))

    for optimizer in (lion, adam):
        for loss in (acme.HuberLoss(0.3), MSELoss()):
            _, stacked = compare(build, optimizer, draw(0, 6, K, 5, 3), loss)
            assert stacked.why_one_by_one is None
