"""Layers that reshape, fold, shuffle and resize, against torch.nn's."""

from __future__ import annotations

import pytest
import torch

import minidl_plugins_nn
from minidl_core import ArgumentError, ShapeError

from .image_twins import agree, compare, draw


@pytest.mark.parametrize("args", [(), (0,), (1, 2), (-3, -2), (2, 2)], ids=str)
def test_flatten_matches_torch(args):
    compare("Flatten", *args, shape=(2, 3, 4, 5))


@pytest.mark.parametrize(
    "args",
    [(1, (2, 3)), (1, [-1, 3]), (-2, torch.Size([3, 2])), (1, (6,)), (1, (1, 2, 3))],
    ids=str,
)
def test_unflatten_matches_torch(args):
    compare("Unflatten", *args, shape=(2, 6, 4))


def test_identity_matches_torch():
    compare("Identity", 54, unused=1, shape=(2, 3))


def test_reshaping_passes_whole_numbers_on():
    layer = minidl_plugins_nn.Flatten()
    assert layer.forward(torch.zeros(2, 3, 4, dtype=torch.long)).shape == (2, 12)
    assert layer.backward(None) is None


WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": (2, 3), "dilation": (2, 1), "padding": (1, 0), "stride": (1, 2)},
    {"kernel_size": 3, "padding": 2, "stride": 3},
]


@pytest.mark.parametrize("batch", [(2,), ()], ids=str)
@pytest.mark.parametrize("windows", WINDOWS, ids=str)
def test_folding_matches_torch(windows, batch):
    x = draw(*batch, 3, 6, 7)
    compare("Unfold", **windows, shape=None, x=x)
    columns = torch.nn.Unfold(**windows)(x)
    compare("Fold", (6, 7), **windows, shape=None, x=columns)


@pytest.mark.parametrize("batch", [(2,), (), (2, 3)], ids=str)
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_pixel_shuffling_matches_torch(factor, batch):
    compare("PixelShuffle", factor, shape=(*batch, 2 * factor**2, 3, 4))
    compare("PixelUnshuffle", factor, shape=(*batch, 2, 3 * factor, 4 * factor))


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_channel_shuffling_matches_torch(groups):
    x = draw(2, 6, 3, 4)
    layer = minidl_plugins_nn.ChannelShuffle(groups)
    y = layer.forward(x)
    agree(y, torch.nn.ChannelShuffle(groups)(x))
    agree(layer.backward(y), x)


SPACE = {"linear": [1], "bilinear": [2], "bicubic": [2], "trilinear": [3]}
ROOM = {1: (5,), 2: (4, 5), 3: (3, 4, 5)}
SIZES = [
    {"size": 7},
    {"size": 2},
    {"scale_factor": 2},
    {"scale_factor": 1.7},
    {"scale_factor": 0.6},
    {"scale_factor": 1.7, "recompute_scale_factor": True},
    {"scale_factor": 2.5, "recompute_scale_factor": False},
]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("align", [None, True, False])
@pytest.mark.parametrize(
    "mode", ["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear"]
)
def test_upsampling_matches_torch(mode, align, size):
    if align is not None and mode not in SPACE:
        with pytest.raises(ArgumentError, match="align_corners is for the modes"):
            minidl_plugins_nn.Upsample(**size, mode=mode, align_corners=align)
        return
    for dims in SPACE.get(mode, [1, 2, 3]):
        compare("Upsample", **size, mode=mode, align_corners=align, shape=(2, 3, *ROOM[dims]))


def test_upsampling_by_another_size_in_each_dimension():
    compare("Upsample", size=(7, 3), mode="bilinear", shape=(2, 3, 4, 5))
    compare("Upsample", scale_factor=(2, 1, 1.5), mode="trilinear", shape=(2, 3, 3, 4, 5))


@pytest.mark.parametrize(
    "size", [*SIZES[:5], {"size": (6, 3)}, {"scale_factor": (2, 1.5)}], ids=str
)
@pytest.mark.parametrize("name", ["UpsamplingNearest2d", "UpsamplingBilinear2d"])
def test_older_upsampling_matches_torch(name, size):
    compare(name, **size, shape=(2, 3, 4, 5))


@pytest.mark.parametrize(
    ("name", "kwargs", "words"),
    [
        ("Flatten", {"start_dim": 1.5}, "start_dim must be a whole number"),
        ("Unflatten", {"dim": "a", "unflattened_size": (2,)}, "dim must be a whole number"),
        ("Unflatten", {"dim": 1, "unflattened_size": (-1, -1)}, "one may be -1"),
        ("Unflatten", {"dim": 1, "unflattened_size": ()}, "unflattened_size must be"),
        ("Unfold", {"kernel_size": (1, 2, 3)}, "kernel_size must be"),
        ("PixelShuffle", {"upscale_factor": 0}, "upscale_factor must be"),
        ("ChannelShuffle", {"groups": 0}, "groups must be"),
        ("Upsample", {}, "give either size, or scale_factor"),
        ("Upsample", {"size": 2, "scale_factor": 2}, "give either size, or scale_factor"),
        ("Upsample", {"size": 2.5}, "size must be a whole number above 0"),
        ("Upsample", {"scale_factor": 0}, "scale_factor must be a number above 0"),
        ("Upsample", {"scale_factor": 2, "mode": "area"}, "mode must be one of 'nearest'"),
    ],
)
def test_bad_arguments_are_refused(name, kwargs, words):
    with pytest.raises(ArgumentError, match=words):
        getattr(minidl_plugins_nn, name)(**kwargs)


@pytest.mark.parametrize(
    ("name", "args", "shape", "words"),
    [
        ("Flatten", (1, 3), (2, 3), "dimensions 1 to 3 in this order"),
        ("Flatten", (2, 1), (2, 3, 4), "dimensions 2 to 1 in this order"),
        ("Unflatten", (1, (2, 3)), (2, 7), r"product of \(2, 3\)"),
        ("Unflatten", (1, (2, -1)), (2, 7), r"product of \(2, -1\)"),
        ("Unflatten", (2, (2, -1)), (2, 6), "expected dimension 2"),
        ("Unfold", (3,), (1, 1, 2, 4), "smaller than the window"),
        ("Fold", ((4, 4), 2), (1, 4, 8), r"\(batch, channels · 4, 9\)"),
        ("Fold", ((4, 4), 2), (1, 3, 9), r"\(batch, channels · 4, 9\)"),
        ("PixelShuffle", (2,), (1, 3, 2, 2), r"\(\.\.\., channels · 4, height, width\)"),
        ("PixelUnshuffle", (2,), (1, 3, 2, 3), "width · 2"),
        ("ChannelShuffle", (2,), (1, 3, 2, 3), "channels · 2"),
        ("Upsample", (2, None, "linear"), (1, 3, 2, 3), "expected an input of 3 dimensions"),
        ("Upsample", ((2, 2),), (1, 3, 2), "as many as there are sizes"),
        ("Upsample", (None, 0.1), (1, 3, 2), "the output would be empty"),
        ("UpsamplingNearest2d", (2,), (1, 3, 2, 2, 2), "height, width"),
    ],
)
def test_input_that_does_not_fit_is_refused(name, args, shape, words):
    with pytest.raises(ShapeError, match=words):
        getattr(minidl_plugins_nn, name)(*args).forward(torch.zeros(shape))


def test_image_too_small_for_folding_is_refused():
    with pytest.raises(ShapeError, match="smaller than the window"):
        minidl_plugins_nn.Fold(2, 3)


@pytest.mark.parametrize(
    ("name", "args", "shape"),
    [
        ("Flatten", (), (2, 3, 2)),
        ("Unfold", (2,), (2, 1, 3, 3)),
        ("PixelShuffle", (2,), (2, 4, 2, 2)),
        ("Upsample", (4,), (2, 4, 2, 2)),
    ],
)
def test_another_gradient_is_refused(name, args, shape):
    layer = getattr(minidl_plugins_nn, name)(*args)
    layer.forward(draw(*shape))
    with pytest.raises(ShapeError, match="gradient of the output"):
        layer.backward(draw(1, 2))
