"""The embedding against torch.nn.Embedding."""

from __future__ import annotations

import pytest
import torch

from minidl_core import ArgumentError, DtypeError, ShapeError
from minidl_plugins_nn import Embedding

from .twins import assert_same, doubles, numbers


@pytest.mark.parametrize("padding_idx", [None, 2, -1])
@pytest.mark.parametrize("by_frequency", [False, True])
@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (2, 3, 4)])
def test_agrees_with_torch(padding_idx, by_frequency, shape):
    kwargs = {"padding_idx": padding_idx, "scale_grad_by_freq": by_frequency}
    twin = torch.nn.Embedding(5, 3, **kwargs, dtype=torch.float64)
    mine = Embedding(5, 3, **kwargs, dtype=torch.float64)
    assert_same(mine, twin, numbers(5, *shape))


def test_takes_input_that_is_not_contiguous():
    twin = torch.nn.Embedding(4, 3, dtype=torch.float64)
    x = numbers(4, 1, 512).expand(7, 512)
    assert_same(Embedding(4, 3, dtype=torch.float64), twin, x)


def test_first_weights_are_standard_normal():
    first = Embedding(4, 3, padding_idx=1, generator=torch.Generator().manual_seed(3)).weight.value
    law = torch.empty(4, 3).normal_(generator=torch.Generator().manual_seed(3))
    law[1] = 0
    assert torch.equal(first, law)


def test_a_tied_projection_adds_its_gradient():
    embedding = Embedding(5, 3, dtype=torch.float64)
    x, dy = numbers(5, 4), doubles(4, 5)
    weight = embedding.weight
    h = embedding.forward(x)
    weight.grad += dy.mT @ h
    embedding.backward(dy @ weight.value)

    w = weight.value.clone().requires_grad_()
    with torch.enable_grad():
        logits = torch.nn.functional.embedding(x, w) @ w.mT
        (logits * dy).sum().backward()
    torch.testing.assert_close(weight.grad, w.grad, rtol=1e-12, atol=1e-14)


def test_from_pretrained_freezes_the_table():
    table = doubles(4, 2)
    frozen = Embedding.from_pretrained(table)
    assert torch.equal(frozen.forward(torch.tensor([3, 0])), table[[3, 0]])
    assert not frozen.weight.trainable
    assert Embedding.from_pretrained(table, freeze=False).weight.trainable


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"max_norm": 1.0}, "max_norm is not supported"),
        ({"sparse": True}, "sparse=True is not supported"),
        ({"padding_idx": 5}, "padding_idx must be a row"),
        ({"padding_idx": -6}, "padding_idx must be a row"),
        ({"num_embeddings": 0}, "num_embeddings must be a whole number"),
    ],
)
def test_refuses_arguments_it_cannot_use(kwargs, words):
    with pytest.raises(ArgumentError, match=words):
        Embedding(**{"num_embeddings": 5, "embedding_dim": 2, **kwargs})


@pytest.mark.parametrize("index", [-1, 5])
def test_refuses_an_index_outside_of_the_table(index):
    with pytest.raises(ArgumentError, match="expected row numbers from 0 to 4"):
        Embedding(5, 2).forward(torch.tensor([0, index]))


def test_refuses_input_that_is_not_whole():
    with pytest.raises(DtypeError, match="expected row numbers of"):
        Embedding(5, 2).forward(torch.tensor([0.0]))


def test_refuses_a_gradient_of_another_shape():
    layer = Embedding(5, 2)
    layer.forward(torch.tensor([0, 1]))
    with pytest.raises(ShapeError, match="gradient of the output"):
        layer.backward(torch.zeros(2, 3))
