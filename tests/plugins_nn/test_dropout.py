"""Dropout: torch's own masks from the same seed, its derivative, its laws."""

from __future__ import annotations

import copy

import pytest
import torch

import minidl_plugins_nn
from minidl_core import ArgumentError, DtypeError, ShapeError

from .image_twins import F64, agree, draw

SHAPES = {
    "Dropout": [(7,), (4, 5), (2, 3, 4), ()],
    "Dropout1d": [(4, 5), (3, 4, 5)],
    "Dropout2d": [(3, 4, 2, 5)],
    "Dropout3d": [(3, 4, 2, 5, 2), (4, 2, 5, 2)],
    "AlphaDropout": [(7,), (4, 5), (2, 3, 4)],
    "FeatureAlphaDropout": [(3, 4, 2, 5), (3, 4)],
}
CASES = [(name, shape) for name, shapes in SHAPES.items() for shape in shapes]
LAYERS = pytest.mark.parametrize(("name", "shape"), CASES, ids=str)


@LAYERS
@pytest.mark.parametrize("dtype", [F64, torch.float32])
@pytest.mark.parametrize("p", [0, 0.3, 0.8, 1])
def test_masks_and_gradients_are_those_of_torch(name, shape, p, dtype):
    tolerance = {} if dtype == F64 else {"rtol": 1e-5, "atol": 1e-6}
    x, dy = draw(*shape, dtype=dtype), draw(*shape, seed=1, dtype=dtype)
    leaf = x.clone().requires_grad_()
    torch.manual_seed(4)
    with torch.enable_grad():
        expected = getattr(torch.nn, name)(p)(leaf)
        expected.backward(dy)
    ours = getattr(minidl_plugins_nn, name)(p, generator=torch.Generator().manual_seed(4))
    before = x.clone()
    agree(ours.forward(x), expected, **tolerance)
    agree(ours.backward(dy), leaf.grad, **tolerance)
    assert torch.equal(x, before)
    torch.manual_seed(4)
    agree(getattr(minidl_plugins_nn, name)(p).forward(x), expected, **tolerance)


@LAYERS
def test_evaluation_drops_nothing(name, shape):
    x, layer = draw(*shape), getattr(minidl_plugins_nn, name)(0.6).eval().keep()
    assert torch.equal(layer.forward(x), x)
    assert torch.equal(layer.backward(x), x)


@pytest.mark.parametrize("name", list(SHAPES))
def test_each_forward_draws_anew(name):
    x = draw(*SHAPES[name][0]) if name != "Dropout" else draw(50)
    layer = getattr(minidl_plugins_nn, name)(generator=torch.Generator().manual_seed(0))
    twin = copy.deepcopy(layer)
    ys = [layer.forward(x) for _ in range(3)]
    assert not torch.equal(ys[0], ys[1]) or not torch.equal(ys[1], ys[2])
    for y in ys:
        assert torch.equal(twin.forward(x), y)
    for y in reversed(ys):  # last in, first out
        dx = layer.backward(torch.ones_like(x))
        if name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d"):
            assert torch.equal(dx != 0, y != 0)


@pytest.mark.parametrize(("name", "ndim"), [("Dropout1d", 3), ("Dropout2d", 4), ("Dropout3d", 5)])
def test_whole_channels_are_dropped_row_by_row(name, ndim):
    layer = getattr(minidl_plugins_nn, name)(generator=torch.Generator().manual_seed(1))
    kept = (layer.forward(torch.ones(20, 30, *[2] * (ndim - 2))) != 0).flatten(2)
    assert torch.equal(kept.all(-1), kept.any(-1))
    assert 0.4 < kept.float().mean() < 0.6
    assert not torch.equal(kept[0], kept[1])


def test_alpha_dropout_keeps_mean_and_variance():
    layer = minidl_plugins_nn.AlphaDropout(0.3, generator=torch.Generator().manual_seed(2))
    y = layer.forward(draw(400, 500))
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1) < 0.01


@pytest.mark.parametrize("name", list(SHAPES))
def test_models_draw_their_own_masks_under_vmap(name):
    x = draw(3, *SHAPES[name][-1]).abs() + 1 if name != "Dropout" else torch.ones(3, 40, dtype=F64)
    layer = getattr(minidl_plugins_nn, name)(0.5)

    def one(x, dy):
        y = layer.forward(x)
        return y, layer.backward(dy)

    y, dx = torch.vmap(one, randomness="different")(x, torch.ones_like(x))
    scale = dx.unique()
    assert scale.numel() == 2
    if "Alpha" not in name:
        agree(y, x * dx)
    assert not torch.equal(dx[0], dx[1])


@pytest.mark.parametrize("name", list(SHAPES))
def test_bad_dropout_arguments_are_refused(name):
    layer = getattr(minidl_plugins_nn, name)
    for p in (-0.1, 1.5, "a", True):
        with pytest.raises(ArgumentError, match="p must be a probability from 0 to 1"):
            layer(p)
    with pytest.raises(ArgumentError, match="inplace=True is not supported"):
        layer(0.5, inplace=True)
    with pytest.raises(DtypeError, match="floating-point"):
        layer().forward(torch.zeros(2, 3, dtype=torch.long))


def test_channel_dropout_refuses_other_dimensions():
    for name, shape in [("Dropout1d", (3,)), ("Dropout2d", (2, 3, 4)), ("Dropout3d", (2, 3, 4))]:
        with pytest.raises(ShapeError, match="dimensions with channels"):
            getattr(minidl_plugins_nn, name)().forward(torch.zeros(shape))
    with pytest.raises(ShapeError, match="at least 2 dimensions"):
        minidl_plugins_nn.FeatureAlphaDropout().forward(torch.zeros(3))
