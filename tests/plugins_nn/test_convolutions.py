"""Convolutions and transposed convolutions against torch.nn's, over their arguments."""

from __future__ import annotations

import itertools

import pytest
import torch

import minidl_plugins_nn
from minidl_core import ArgumentError, DtypeError, ShapeError

from .image_twins import F64, agree, compare, draw, pair

ROOM = {1: (9,), 2: (7, 9), 3: (5, 6, 7)}
DIMS = [1, 2, 3]

# torch tells that its "same" may copy the input.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")


@pytest.mark.parametrize("batch", [(3,), (), (1,), (0,)], ids=str)
@pytest.mark.parametrize("dims", DIMS)
def test_convolution_matches_torch(dims, batch):
    compare(f"Conv{dims}d", 4, 6, 3, shape=(*batch, 4, *ROOM[dims]))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(
    ("stride", "padding", "dilation"),
    [(2, 0, 1), (1, 2, 1), (3, 1, 1), (2, 1, 2), (1, "same", 1), (1, "same", 2), (2, "valid", 1)],
)
@pytest.mark.parametrize("dims", DIMS)
def test_convolution_arguments_match_torch(dims, stride, padding, dilation, groups, bias):
    compare(
        f"Conv{dims}d", 4, 8, 2, stride, padding, dilation, groups, bias, shape=(2, 4, *ROOM[dims])
    )


@pytest.mark.parametrize("batch", [(2,), ()], ids=str)
@pytest.mark.parametrize("padding", [1, 2, "same"])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("dims", DIMS)
def test_padding_modes_match_torch(dims, mode, padding, batch):
    shape = (*batch, 2, *ROOM[dims])
    compare(f"Conv{dims}d", 2, 3, 4, padding=padding, padding_mode=mode, shape=shape)


def test_convolution_sizes_differ_by_dimension():
    kwargs = {"stride": (2, 1), "padding": (0, 2), "dilation": (1, 3)}
    compare("Conv2d", 2, 3, (3, 2), **kwargs, shape=(2, 2, 8, 9))
    kwargs = {"padding": "same", "padding_mode": "reflect", "dilation": (1, 3)}
    compare("Conv2d", 2, 3, (4, 2), **kwargs, shape=(2, 2, 8, 9))


@pytest.mark.parametrize("batch", [(2,), (), (0,)], ids=str)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("stride", "padding", "extra", "dilation"),
    [(1, 0, 0, 1), (2, 1, 1, 1), (3, 0, 2, 1), (1, 1, 1, 2), (2, 2, 0, 3)],
)
@pytest.mark.parametrize("dims", DIMS)
def test_transposed_convolution_matches_torch(
    dims, stride, padding, extra, dilation, groups, batch
):
    args = (4, 6, 3, stride, padding, extra, groups, groups == 1, dilation)
    compare(f"ConvTranspose{dims}d", *args, shape=(*batch, 4, *ROOM[dims]))


@pytest.mark.parametrize("dims", DIMS)
def test_output_size_of_transposed_convolution(dims):
    ours, theirs = pair(f"ConvTranspose{dims}d", 2, 3, 3, 2, 1)
    x = draw(2, 2, *[4] * dims)
    for size in itertools.product([7, 8], repeat=dims):
        agree(ours.forward(x, size), theirs(x, size))
        agree(ours.forward(x, (2, 3, *size)), theirs(x, (2, 3, *size)))
        assert ours.backward(draw(2, 3, *size)).shape == x.shape
    with pytest.raises(ShapeError, match=r"output_size must be from 7.* to 8"):
        ours.forward(x, [9] * dims)


@pytest.mark.parametrize("dims", DIMS)
@pytest.mark.parametrize("name", ["Conv", "ConvTranspose"])
def test_float32_convolution_to_its_rounding(name, dims):
    compare(
        f"{name}{dims}d",
        *(4, 6, 3),
        shape=(2, 4, *ROOM[dims]),
        dtype=torch.float32,
        tolerance={"rtol": 1e-4, "atol": 1e-4},
    )


@pytest.mark.parametrize("dtype", [torch.float32, F64])
@pytest.mark.parametrize("dims", DIMS)
@pytest.mark.parametrize("name", ["Conv", "ConvTranspose"])
def test_first_weights_are_those_of_torch(name, dims, dtype):
    torch.manual_seed(5)
    theirs = getattr(torch.nn, f"{name}{dims}d")(4, 6, 3, groups=2, dtype=dtype)
    generator = torch.Generator().manual_seed(5)
    layer = getattr(minidl_plugins_nn, f"{name}{dims}d")
    ours = layer(4, 6, 3, groups=2, dtype=dtype, generator=generator)
    for key, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[key], value)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"in_channels": 3, "groups": 2}, "in_channels must be divisible by groups, got 3 and 2"),
        ({"out_channels": 3, "groups": 2}, "out_channels must be divisible by groups"),
        ({"kernel_size": 0}, "kernel_size must be a whole number of at least 1, or 2 of them"),
        ({"kernel_size": (1, 2, 3)}, "kernel_size must be"),
        ({"stride": 1.5}, "stride must be"),
        ({"padding": -1}, "padding must be a whole number of at least 0"),
        ({"padding": "sane"}, '"same" with a stride of 1'),
        ({"padding": "same", "stride": 2}, '"same" with a stride of 1'),
        ({"padding_mode": "zero"}, "padding_mode must be one of 'zeros', 'reflect'"),
        ({"dilation": True}, "dilation must be"),
    ],
)
def test_bad_convolution_arguments_are_refused(kwargs, words):
    plain = {"in_channels": 2, "out_channels": 4, "kernel_size": 3}
    with pytest.raises(ArgumentError, match=words):
        minidl_plugins_nn.Conv2d(**{**plain, **kwargs})


def test_bad_transposed_arguments_are_refused():
    with pytest.raises(ArgumentError, match="output_padding must be smaller"):
        minidl_plugins_nn.ConvTranspose2d(1, 1, 3, stride=2, output_padding=2)
    with pytest.raises(ArgumentError, match="padding_mode must be one of 'zeros'"):
        minidl_plugins_nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect")
    with pytest.raises(ShapeError, match="empty output"):
        minidl_plugins_nn.ConvTranspose2d(1, 1, 3, padding=3).forward(torch.zeros(1, 1, 2, 2))


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 3, 8, 8), r"\(batch, 2, height, width\), or without batch, got \(2, 3, 8, 8\)"),
        ((8, 8), "expected an input of shape"),
        ((1, 2, 2, 2, 2), "expected an input of shape"),
        ((1, 2, 2, 8), "smaller than the window: kernel size 3x3"),
        ((1, 2, 0, 8), "none of them 0"),
    ],
    ids=str,
)
def test_input_that_does_not_fit_is_refused(shape, words):
    with pytest.raises(ShapeError, match=words):
        minidl_plugins_nn.Conv2d(2, 4, 3).forward(torch.zeros(shape))


def test_convolution_refuses_other_dtypes_and_gradients():
    layer = minidl_plugins_nn.Conv2d(2, 4, 3)
    with pytest.raises(DtypeError, match=r"torch\.float64"):
        layer.forward(torch.zeros(1, 2, 4, 4, dtype=F64))
    with pytest.raises(DtypeError, match="floating-point"):
        layer.forward(torch.zeros(1, 2, 4, 4, dtype=torch.long))
    layer.forward(torch.zeros(1, 2, 4, 4))
    with pytest.raises(ShapeError, match="gradient of the output"):
        layer.backward(torch.zeros(1, 4, 2, 1))


def test_padding_wider_than_the_input_is_refused():
    layer = minidl_plugins_nn.Conv1d(1, 1, 3, padding=3, padding_mode="reflect")
    with pytest.raises(ShapeError, match=r'mode "reflect" needs at most 2 on each side'):
        layer.forward(torch.zeros(1, 1, 3))
