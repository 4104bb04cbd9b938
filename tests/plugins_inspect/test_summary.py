"""`summary` gives output shapes and parameter counts."""

from __future__ import annotations

import pytest
import torch

from minidl_core import ArgumentError, Sequential, ShapeError
from minidl_plugins_basic import Linear, ReLU, Tanh, stack
from minidl_plugins_inspect import summary
from minidl_plugins_nn import BatchNorm1d, Bilinear, Conv2d, Embedding, Flatten


def test_shapes_and_counts_are_torchs():
    ours = summary(Sequential(Conv2d(1, 4, 3), ReLU(), Flatten(), Linear(144, 3)), (5, 1, 8, 8))
    twin = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 3)
    )
    x = torch.zeros(5, 1, 8, 8)
    for (path, _, shape, count), layer in zip(ours.rows[1:], twin, strict=True):
        x = layer(x)
        assert shape == str(tuple(x.shape)), path
        assert count == sum(p.numel() for p in layer.parameters())
    assert ours.parameters == sum(p.numel() for p in twin.parameters())
    assert ours.rows[0][2] == "(5, 3)"


def test_frozen_and_shared_parameters_are_told_apart():
    shared = Linear(3, 3)
    model = Sequential(shared, Tanh(), shared, BatchNorm1d(3)).train()
    shared.freeze()
    total = summary(model, (1, 3))
    assert (total.parameters, total.trainable, total.buffers) == (18, 6, 7)
    assert "parameters: 18 (trainable: 6), buffers: 7" in str(total)
    assert model.training
    assert model[3].running_mean.tolist() == [0, 0, 0]


def test_counts_need_no_shape():
    total = summary(Sequential(Linear(2, 3), ReLU()))
    assert total.parameters == 9
    assert [row[2] for row in total.rows] == ["", "", ""]


def test_stacks_show_the_layers_of_a_model():
    total = summary(stack([Sequential(Linear(2, 3)) for _ in range(4)]), (4, 1, 2))
    assert total.parameters == 36
    assert ("0", "Linear(2 → 3)", "(4, 1, 3)", 0) in total.rows


def test_inputs_may_be_tensors_of_any_dtype():
    assert summary(Embedding(7, 4), torch.tensor([1, 2])).rows[0][2] == "(2, 4)"
    assert summary(Embedding(7, 4), (2,), dtype=torch.long).rows[0][2] == "(2, 4)"


def test_several_inputs_are_a_list_of_shapes():
    assert summary(Bilinear(2, 3, 4), [(5, 2), (5, 3)]).rows[0][2] == "(5, 4)"


@pytest.mark.parametrize("shape", ["2", 2, (2, "x"), (0, 2), ()])
def test_what_is_no_shape_is_refused(shape):
    with pytest.raises(ArgumentError, match="batch in front"):
        summary(Linear(2, 3), shape)


def test_shapes_that_do_not_fit_name_the_layer():
    with pytest.raises(ShapeError, match=r"Sequential\[0\]"):
        summary(Sequential(Linear(2, 3)), (1, 5))
