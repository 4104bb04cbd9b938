"""The embedding of bags against torch.nn.EmbeddingBag."""

from __future__ import annotations

import pytest
import torch

from minidl_core import ArgumentError, DtypeError, ShapeError
from minidl_plugins_nn import EmbeddingBag

from .twins import assert_same, doubles, numbers

DOUBLE = {"dtype": torch.float64}
MODES = ["mean", "sum", "max"]


def pair(**kwargs):
    return EmbeddingBag(5, 3, **kwargs, **DOUBLE), torch.nn.EmbeddingBag(5, 3, **kwargs, **DOUBLE)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding_idx", [None, 2, -1])
def test_rows_as_bags_agree_with_torch(mode, padding_idx):
    options = {"mode": mode, "padding_idx": padding_idx}
    assert_same(*pair(**options), numbers(5, 4, 6))
    assert_same(*pair(**options), numbers(5, 40, 1))


class ByFrequency(torch.nn.Embedding):
    """What torch.nn.EmbeddingBag documents; its own counts are those of other rows (2.13)."""

    def forward(self, x):
        return super().forward(x).sum(1)


def test_gradients_are_divided_by_the_frequency_of_their_row():
    mine = EmbeddingBag(5, 3, mode="sum", scale_grad_by_freq=True, **DOUBLE)
    assert_same(mine, ByFrequency(5, 3, scale_grad_by_freq=True, **DOUBLE), numbers(5, 4, 6))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("padding_idx", [None, 1])
def test_bags_by_offsets_agree_with_torch(mode, last, padding_idx):
    offsets = torch.tensor([0, 3, 3, 4, 9, *([10] if last else [])])  # the second bag is empty
    options = {"mode": mode, "include_last_offset": last, "padding_idx": padding_idx}
    assert_same(*pair(**options), numbers(5, 10), offsets)
    assert_same(*pair(**options), numbers(5, 10).int(), offsets.int())


@pytest.mark.parametrize("padding_idx", [None, 1])
def test_weighted_sums_agree_with_torch(padding_idx):
    options = {"mode": "sum", "padding_idx": padding_idx}
    offsets = torch.tensor([0, 4, 7])
    assert_same(*pair(**options), numbers(5, 10), offsets, doubles(10))
    assert_same(*pair(**options), numbers(5, 4, 3), None, doubles(4, 3))


def test_the_first_of_equal_maxima_gets_the_gradient():
    mine, twin = pair(mode="max")
    twin.weight.fill_(1.5)
    assert_same(mine, twin, numbers(5, 4, 6))


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"max_norm": 1.0}, "max_norm is not supported"),
        ({"sparse": True}, "sparse=True is not supported"),
        ({"mode": "median"}, "mode must be"),
        ({"mode": "max", "scale_grad_by_freq": True}, "scale_grad_by_freq has no meaning"),
        ({"padding_idx": 7}, "padding_idx must be a row"),
    ],
)
def test_refuses_arguments_it_cannot_use(kwargs, words):
    with pytest.raises(ArgumentError, match=words):
        EmbeddingBag(5, 3, **kwargs)


ROWS = torch.tensor([0, 1, 2])


@pytest.mark.parametrize(
    ("inputs", "error", "words"),
    [
        ((ROWS,), ShapeError, "without offsets, or"),
        ((ROWS[None], ROWS), ShapeError, "without offsets, or"),
        ((ROWS.float()[None],), DtypeError, "expected row numbers"),
        ((torch.tensor([[0, 5]]),), ArgumentError, "expected row numbers from 0 to 4"),
        ((ROWS, torch.tensor([1])), ArgumentError, "expected offsets that begin at 0"),
        ((ROWS, torch.tensor([0.0])), DtypeError, "expected offsets"),
        ((ROWS[None], None, torch.ones(1, 2)), ShapeError, "expected per_sample_weights of"),
    ],
)
def test_refuses_inputs_that_do_not_fit(inputs, error, words):
    with pytest.raises(error, match=words):
        EmbeddingBag(5, 3, mode="sum").forward(*inputs)


def test_refuses_an_end_that_is_not_the_end():
    layer = EmbeddingBag(5, 3, include_last_offset=True)
    with pytest.raises(ArgumentError, match="expected offsets that begin at 0"):
        layer.forward(ROWS, torch.tensor([0, 2]))


def test_refuses_weights_of_a_mean():
    with pytest.raises(ArgumentError, match='per_sample_weights are for mode="sum"'):
        EmbeddingBag(5, 3).forward(ROWS[None], None, torch.ones(1, 3))
