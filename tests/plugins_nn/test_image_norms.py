"""Norms against torch.nn's, in training and evaluation, with the buffers after the step."""

from __future__ import annotations

import copy

import pytest
import torch

import minidl_plugins_nn
from minidl_core import ArgumentError, DtypeError, ShapeError, StateError

from .image_twins import F64, agree, agree_buffers, compare, draw, pair

ROOM = {0: (), 1: (5,), 2: (3, 4), 3: (2, 3, 4)}
MODES = pytest.mark.parametrize("training", [True, False])
FLOAT32 = {"dtype": torch.float32, "tolerance": {"rtol": 1e-4, "atol": 1e-5}}


@MODES
@pytest.mark.parametrize("track", [True, False])
@pytest.mark.parametrize("momentum", [0.1, 0.7, 0, 1.0, None])
@pytest.mark.parametrize("affine", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("dims", [0, 1, 2, 3])
def test_batch_norm_matches_torch(dims, affine, momentum, track, training):
    name = f"BatchNorm{max(dims, 1)}d"
    args = (3, 1e-3, momentum, affine[0], track)
    for batch in (4, 2, 0):
        shape = (batch, 3, *ROOM[dims])
        compare(name, *args, bias=affine[1], shape=shape, training=training)


@MODES
@pytest.mark.parametrize("track", [True, False])
@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
@pytest.mark.parametrize("affine", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_instance_norm_matches_torch(dims, affine, momentum, track, training):
    args = (3, 1e-3, momentum, affine[0], track)
    for batch in [(4,), (1,), ()]:
        shape = (*batch, 3, *ROOM[dims])
        compare(f"InstanceNorm{dims}d", *args, bias=affine[1], shape=shape, training=training)


@MODES
@pytest.mark.parametrize(
    "name", ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d"]
)
def test_norms_in_float32_to_their_rounding(name, training):
    shape = (4, 3, *ROOM[int(name[-2])])
    compare(
        name, 3, affine=True, track_running_stats=True, shape=shape, training=training, **FLOAT32
    )


@pytest.mark.parametrize("affine", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("dims", [0, 1, 2, 3])
def test_group_norm_matches_torch(dims, groups, affine):
    if dims == 0 and groups == 6:
        with pytest.raises(ShapeError, match="more than one element in each of 6 groups"):
            minidl_plugins_nn.GroupNorm(6, 6).forward(torch.zeros(2, 6))
        return
    args = (groups, 6, 1e-3, affine[0])
    compare("GroupNorm", *args, bias=affine[1], shape=(3, 6, *ROOM[dims]))
    compare("GroupNorm", groups, 6, shape=(3, 6, *ROOM[dims]), **FLOAT32)


@pytest.mark.parametrize("affine", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("shape", [5, [5], (3, 5), [2, 3, 5]], ids=str)
def test_layer_norm_matches_torch(shape, affine):
    compare("LayerNorm", shape, 1e-3, *affine, shape=(4, 2, 3, 5))
    compare("LayerNorm", shape, 1e-3, *affine, shape=(2, 3, 5))
    compare("LayerNorm", shape, 1e-3, *affine, shape=(4, 2, 3, 5), **FLOAT32)
    compare("LayerNorm", shape, 1e-3, *affine, shape=(0, 2, 3, 5))


@pytest.mark.parametrize("eps", [None, 1e-3])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [5, [5], (3, 5), [2, 3, 5]], ids=str)
def test_rms_norm_matches_torch(shape, affine, eps):
    compare("RMSNorm", shape, eps, affine, shape=(4, 2, 3, 5))
    compare("RMSNorm", shape, eps, affine, shape=(2, 3, 5))
    compare("RMSNorm", shape, eps, affine, shape=(4, 2, 3, 5), **FLOAT32)
    compare("RMSNorm", shape, eps, affine, shape=(0, 2, 3, 5))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_local_response_norm_matches_torch(dims, size):
    compare("LocalResponseNorm", size, 0.9, 0.6, 1.5, shape=(2, 5, *ROOM[dims]))
    compare("LocalResponseNorm", size, shape=(2, 5, *ROOM[dims]))
    compare("LocalResponseNorm", size, shape=(0, 5, *ROOM[dims]))


@pytest.mark.parametrize("momentum", [0.3, None])
@pytest.mark.parametrize("name", ["BatchNorm2d", "InstanceNorm2d"])
def test_running_statistics_over_several_steps(name, momentum):
    ours, theirs = pair(name, 3, 1e-3, momentum, True, True)
    for step in range(4):
        x = draw(4, 3, 3, 4, seed=step) + step
        theirs(x)
        before = copy.deepcopy(ours.state_dict())
        y = ours.forward(x)
        for key, value in ours.state_dict().items():
            assert torch.equal(value, before[key])
        ours.backward(torch.ones_like(y))
        agree_buffers(ours, theirs, {})


def test_evaluation_neither_learns_nor_keeps():
    layer = minidl_plugins_nn.BatchNorm1d(3).eval()
    before = layer.state_dict()
    layer.forward(draw(4, 3, dtype=torch.float32))
    for key, value in layer.state_dict().items():
        assert torch.equal(value, before[key])
    with pytest.raises(StateError, match="evaluation mode"):
        layer.backward(torch.ones(4, 3))


def test_frozen_batch_norm_keeps_its_statistics():
    layer = minidl_plugins_nn.BatchNorm1d(3, dtype=F64).freeze()
    layer.train()
    before, x = layer.state_dict(), draw(4, 3)
    y = layer.forward(x)
    agree(y, x / (1 + 1e-5) ** 0.5)
    agree(layer.backward(torch.ones_like(y)), torch.full_like(x, 1 / (1 + 1e-5) ** 0.5))
    for key, value in layer.state_dict().items():
        assert torch.equal(value, before[key])


def test_constant_channels_have_no_negative_variance():
    layer = minidl_plugins_nn.BatchNorm1d(1, momentum=1.0)
    y = layer.forward(torch.full((7, 1), 0.1))
    layer.backward(y)
    assert 0 <= layer.running_var.item() < 1e-9


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("BatchNorm1d", (0,), "num_features must be a whole number"),
        ("BatchNorm2d", (3, 0.0), "eps must be a positive number"),
        ("BatchNorm2d", (3, -1.0), "eps must be a positive number"),
        ("BatchNorm3d", (3, 1e-5, 1.5), "momentum must be a number from 0 to 1, or None"),
        ("GroupNorm", (3, 10), r"num_channels \(10\) must be divisible by num_groups \(3\)"),
        ("LayerNorm", ([],), "normalized_shape must be"),
        ("LayerNorm", (3, 0), "eps must be a positive number"),
        ("RMSNorm", (0,), "normalized_shape must be"),
        ("LocalResponseNorm", (0,), "size must be a whole number"),
        ("LocalResponseNorm", (1, "a"), "alpha must be a number"),
    ],
)
def test_bad_norm_arguments_are_refused(name, args, words):
    with pytest.raises(ArgumentError, match=words):
        getattr(minidl_plugins_nn, name)(*args)


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("BatchNorm1d", (4, 2), r"expected an input of shape \(batch, 3\) or \(batch, 3, length"),
        ("BatchNorm2d", (4, 3), r"expected an input of shape \(batch, 3, height, width\), got"),
        ("BatchNorm1d", (1, 3), "more than one element in each channel"),
        ("InstanceNorm1d", (2, 3, 1), "more than one element in each channel"),
        ("InstanceNorm2d", (2, 2, 4, 4), "expected an input of shape"),
        ("LayerNorm", (2, 4), r"expected an input of shape \(\.\.\., 3\), got \(2, 4\)"),
        ("RMSNorm", (), "expected an input of shape"),
    ],
)
def test_input_that_does_not_fit_norms_is_refused(name, shape, words):
    with pytest.raises(ShapeError, match=words):
        getattr(minidl_plugins_nn, name)(3).forward(torch.zeros(shape))


@pytest.mark.parametrize("name", ["BatchNorm1d", "LayerNorm", "RMSNorm"])
def test_norms_refuse_other_dtypes(name):
    layer = getattr(minidl_plugins_nn, name)(3)
    with pytest.raises(DtypeError, match=r"torch\.float64"):
        layer.forward(torch.zeros(2, 3, dtype=F64))
    layer.forward(torch.zeros(2, 3))
    with pytest.raises(ShapeError, match="gradient of the output"):
        layer.backward(torch.zeros(3))


def test_local_response_norm_refuses_what_does_not_fit():
    with pytest.raises(ShapeError, match=r"\(batch, channels, \.\.\.\)"):
        minidl_plugins_nn.LocalResponseNorm(3).forward(torch.zeros(2, 3))
