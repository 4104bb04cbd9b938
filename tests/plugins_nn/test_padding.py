"""Padding layers against torch.nn's."""

from __future__ import annotations

import pytest
import torch

import minidl_plugins_nn
from minidl_core import ArgumentError, ShapeError

from .image_twins import compare, draw

ROOM = {1: (5,), 2: (4, 5), 3: (3, 4, 5)}
UNEVEN = (2, 1, 0, 3, 1, 2)


@pytest.mark.parametrize("batch", [(2,), ()], ids=str)
@pytest.mark.parametrize("padding", [0, 1, 2, "uneven"])
@pytest.mark.parametrize("kind", ["Constant", "Zero", "Reflection", "Replication", "Circular"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_padding_matches_torch(dims, kind, padding, batch):
    pads = UNEVEN[: 2 * dims] if padding == "uneven" else padding
    args = (pads, 1.5) if kind == "Constant" else (pads,)
    for dtype in (torch.float64, torch.float32):
        tolerance = {"rtol": 1e-6, "atol": 1e-6} if dtype == torch.float32 else None
        shape = (*batch, 3, *ROOM[dims])
        compare(f"{kind}Pad{dims}d", *args, shape=shape, dtype=dtype, tolerance=tolerance)


@pytest.mark.parametrize("kind", ["Constant", "Zero"])
@pytest.mark.parametrize(
    "pads",
    [(-1, 2, 0, -2), (-1, -1, -1, -1), (4, -2, -3, 4), (-2, 4, 3, -2), (5, 5, 4, 4)],
    ids=str,
)
def test_negative_padding_cuts_off(kind, pads):
    args = (pads, 1.5) if kind == "Constant" else (pads,)
    compare(f"{kind}Pad2d", *args, shape=(2, 3, 4, 5))


@pytest.mark.parametrize("kind", ["Constant", "Zero"])
def test_constants_pad_inputs_of_any_dimensions(kind):
    args = (1, 2.0) if kind == "Constant" else (1,)
    for shape in [(4, 5), (3, 4, 5), (1, 2, 3, 4, 5), (0, 4, 5)]:
        compare(f"{kind}Pad2d", *args, shape=shape)
    layer = getattr(minidl_plugins_nn, f"{kind}Pad2d")(*args)
    assert layer.forward(torch.zeros(2, 2, dtype=torch.long)).dtype == torch.long
    with pytest.raises(ShapeError, match="at least 2 dimensions"):
        layer.forward(torch.zeros(3))


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("ZeroPad2d", ((1, 2),), "padding must be a whole number, or 4 of them"),
        ("ReflectionPad1d", (-1,), "padding must be a whole number of at least 0, or 2 of them"),
        ("CircularPad1d", ((1, -1),), "padding must be a whole number of at least 0, or 2"),
        ("ConstantPad1d", (1.5, 0), "padding must be a whole number"),
        ("ConstantPad1d", (1, "a"), "value must be a number"),
    ],
)
def test_bad_padding_arguments_are_refused(name, args, words):
    with pytest.raises(ArgumentError, match=words):
        getattr(minidl_plugins_nn, name)(*args)


@pytest.mark.parametrize(
    ("name", "padding", "words"),
    [
        ("ReflectionPad1d", 3, r'the mode "reflect" needs at most 2 on each side'),
        ("CircularPad1d", 4, r'the mode "circular" needs at most 3 on each side'),
        ("ZeroPad1d", -2, "needs an output that is not empty"),
    ],
)
def test_padding_that_does_not_fit_is_refused(name, padding, words):
    with pytest.raises(ShapeError, match=words):
        getattr(minidl_plugins_nn, name)(padding).forward(torch.zeros(1, 2, 3))


def test_padding_refuses_another_gradient():
    layer = minidl_plugins_nn.CircularPad1d(1)
    layer.forward(draw(1, 2, 3))
    with pytest.raises(ShapeError, match="gradient of the output"):
        layer.backward(draw(1, 2, 3))
