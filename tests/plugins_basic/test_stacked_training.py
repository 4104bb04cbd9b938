"""A stack trains as each of its models does alone: every kind of layer and of optimizer."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from minidl_core import Sequential
from minidl_plugins_basic import StackWarning

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
