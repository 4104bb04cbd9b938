"""Pooling and unpooling against torch.nn's, over their arguments."""

from __future__ import annotations

import pytest
import torch

import minidl_plugins_nn
from minidl_core import ArgumentError, DtypeError, ShapeError

from .image_twins import F64, agree, compare, draw

ROOM = {1: (11,), 2: (9, 11), 3: (6, 7, 9)}
DIMS = [1, 2, 3]
BATCHES = pytest.mark.parametrize("batch", [(2,), (), (0,)], ids=str)


@BATCHES
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("ceil", [True, False])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, None, 0), (3, 2, 1), (2, 3, 1)])
@pytest.mark.parametrize("dims", DIMS)
def test_max_pooling_matches_torch(dims, kernel, stride, padding, dilation, ceil, training, batch):
    kwargs = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil}
    compare(f"MaxPool{dims}d", kernel, **kwargs, shape=(*batch, 3, *ROOM[dims]), training=training)


@BATCHES
@pytest.mark.parametrize("count", [True, False])
@pytest.mark.parametrize("ceil", [True, False])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, None, 0), (3, 2, 1), (2, 3, 1)])
@pytest.mark.parametrize("dims", DIMS)
def test_average_pooling_matches_torch(dims, kernel, stride, padding, ceil, count, batch):
    args = (kernel, stride, padding, ceil, count)
    compare(f"AvgPool{dims}d", *args, shape=(*batch, 3, *ROOM[dims]))
    if dims > 1:
        compare(f"AvgPool{dims}d", *args, 5, shape=(*batch, 3, *ROOM[dims]))


@BATCHES
@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("kind", ["Avg", "Max"])
@pytest.mark.parametrize("dims", DIMS)
def test_adaptive_pooling_matches_torch(dims, kind, size, batch):
    compare(f"Adaptive{kind}Pool{dims}d", size, shape=(*batch, 3, *ROOM[dims]))


@pytest.mark.parametrize("kind", ["Avg", "Max"])
def test_adaptive_sizes_differ_by_dimension(kind):
    compare(f"Adaptive{kind}Pool2d", (3, None), shape=(2, 3, 5, 6))
    compare(f"Adaptive{kind}Pool3d", (None, 4, 2), shape=(2, 3, 5, 6, 7))


@pytest.mark.parametrize("ceil", [True, False])
@pytest.mark.parametrize("norm", [1, 1.5, 2, 3, 4.0])
@pytest.mark.parametrize(("kernel", "stride"), [(2, None), (3, 2), (2, 3)])
@pytest.mark.parametrize("dims", DIMS)
def test_norm_pooling_matches_torch(dims, kernel, stride, norm, ceil):
    for batch in [(2,), ()]:
        x = draw(*batch, 3, *ROOM[dims]).abs()
        compare(f"LPPool{dims}d", norm, kernel, stride, ceil, shape=None, x=x)


def test_norm_pooling_of_zeros_has_zero_gradient():
    layer = minidl_plugins_nn.LPPool2d(2, 2)
    assert layer.forward(torch.zeros(1, 1, 2, 2)).tolist() == [[[[0.0]]]]
    assert layer.backward(torch.ones(1, 1, 1, 1)).tolist() == [[[[0.0, 0.0], [0.0, 0.0]]]]


@pytest.mark.parametrize("batch", [(2,), ()], ids=str)
@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    "size", [{"output_size": 3}, {"output_ratio": 0.6}, {"output_size": (2, 4, 3)}], ids=str
)
def test_fractional_pooling_matches_torch(dims, size, batch):
    if isinstance(size.get("output_size"), tuple):
        size = {"output_size": size["output_size"][:dims]}
    samples = torch.rand(2 if batch else 1, 3, dims, dtype=F64)
    kwargs = {"_random_samples": samples, **size}
    theirs = getattr(torch.nn, f"FractionalMaxPool{dims}d")(2, **kwargs)
    ours = getattr(minidl_plugins_nn, f"FractionalMaxPool{dims}d")(2, **kwargs)
    x = draw(*batch, 3, *ROOM[dims])
    leaf = x.clone().requires_grad_()
    with torch.enable_grad():
        expected = theirs(leaf)
        dy = draw(*expected.shape, seed=1)
        expected.backward(dy)
    agree(ours.forward(x), expected)
    agree(ours.backward(dy), leaf.grad)


@pytest.mark.parametrize("dims", [2, 3])
def test_fractional_pooling_draws_as_torch(dims):
    x = draw(2, 3, *ROOM[dims])
    torch.manual_seed(3)
    expected = getattr(torch.nn, f"FractionalMaxPool{dims}d")(2, output_size=3)(x)
    layer = getattr(minidl_plugins_nn, f"FractionalMaxPool{dims}d")
    generator = torch.Generator().manual_seed(3)
    ours = layer(2, output_size=3, generator=generator)
    assert torch.equal(ours.forward(x), expected)
    assert not torch.equal(ours.forward(x), expected)


@pytest.mark.parametrize("batch", [(2,), ()], ids=str)
@pytest.mark.parametrize(
    ("kind", "dims"),
    [
        *((kind, dims) for kind in ("MaxPool", "AdaptiveMaxPool") for dims in DIMS),
        ("FractionalMaxPool", 2),
        ("FractionalMaxPool", 3),
    ],
)
def test_indices_are_returned_as_torch_does(dims, kind, batch):
    samples = torch.rand(2 if batch else 1, 3, dims, dtype=F64)
    kwargs = {"output_size": 3, "_random_samples": samples} if kind[0] == "F" else {}
    x = draw(*batch, 3, *ROOM[dims])
    layer = getattr(minidl_plugins_nn, f"{kind}{dims}d")(2, return_indices=True, **kwargs)
    y, indices = layer.forward(x)
    theirs = getattr(torch.nn, f"{kind}{dims}d")(2, return_indices=True, **kwargs)(x)
    assert torch.equal(y, theirs[0])
    assert torch.equal(indices, theirs[1])
    assert layer.backward(torch.ones_like(y), None).shape == x.shape


@pytest.mark.parametrize("batch", [(2,), ()], ids=str)
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, None, 0), (3, 2, 1), (2, 3, 0)])
@pytest.mark.parametrize("dims", DIMS)
def test_unpooling_matches_torch(dims, kernel, stride, padding, batch):
    x = draw(*batch, 3, *ROOM[dims])
    pool = getattr(minidl_plugins_nn, f"MaxPool{dims}d")
    y, indices = pool(kernel, stride, padding, return_indices=True).forward(x)
    ours = getattr(minidl_plugins_nn, f"MaxUnpool{dims}d")(kernel, stride, padding)
    theirs = getattr(torch.nn, f"MaxUnpool{dims}d")(kernel, stride, padding)
    leaf = y.clone().requires_grad_()
    with torch.enable_grad():
        expected = theirs(leaf, indices, output_size=x.shape[-dims:])
        dy = draw(*expected.shape, seed=1)
        expected.backward(dy)
    agree(ours.forward(y, indices, x.shape), expected)
    dx, none = ours.backward(dy)
    agree(dx, leaf.grad)
    assert none is None


def test_unpooling_finds_its_size_itself():
    x = draw(1, 1, 6, 4)
    y, indices = minidl_plugins_nn.MaxPool2d(2, return_indices=True).forward(x)
    got = minidl_plugins_nn.MaxUnpool2d(2).forward(y, indices)
    assert torch.equal(got, torch.nn.MaxUnpool2d(2)(y, indices))


def test_unpooling_refuses_what_does_not_fit():
    layer, x = minidl_plugins_nn.MaxUnpool2d(2), torch.zeros(1, 1, 2, 2)
    with pytest.raises(ShapeError, match="expected indices of the shape of the input"):
        layer.forward(x, torch.zeros(1, 1, 2, 3, dtype=torch.long))
    with pytest.raises(DtypeError, match=r"expected indices of torch\.int64"):
        layer.forward(x, x)
    with pytest.raises(ShapeError, match="output_size must be less than a stride"):
        layer.forward(x, x.long(), (6, 4))


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("MaxPool2d", (3, None, 2), "padding must be at most half the window, got 2x2"),
        ("MaxPool2d", (0,), "kernel_size must be a whole number"),
        ("AvgPool2d", (3, None, 2), "padding must be at most half the kernel"),
        ("AvgPool3d", (3, None, 1, False, True, 0), "divisor_override must be a whole number"),
        ("LPPool2d", (float("inf"), 2), "norm_type must be a positive finite number"),
        ("LPPool1d", (0, 2), "norm_type must be a positive finite number"),
        ("AdaptiveAvgPool2d", ((1, 2, 3),), "output_size must be a whole number"),
        ("AdaptiveMaxPool1d", (0,), "output_size must be a whole number"),
        ("FractionalMaxPool2d", (2,), "give either output_size or output_ratio"),
        ("FractionalMaxPool2d", (2, 3, 0.5), "give either output_size or output_ratio"),
        ("FractionalMaxPool2d", (2, None, 1.5), "output_ratio must be a number between 0 and 1"),
    ],
)
def test_bad_pooling_arguments_are_refused(name, args, words):
    with pytest.raises(ArgumentError, match=words):
        getattr(minidl_plugins_nn, name)(*args)


@pytest.mark.parametrize(
    ("name", "args"),
    [("MaxPool2d", (3,)), ("AvgPool2d", (3,)), ("LPPool2d", (2, 3)), ("AdaptiveAvgPool2d", (3,))],
)
def test_pooling_refuses_input_that_does_not_fit(name, args):
    layer = getattr(minidl_plugins_nn, name)(*args)
    with pytest.raises(ShapeError, match=r"expected an input of shape \(batch, channels, height"):
        layer.forward(torch.zeros(4, 4))
    with pytest.raises(ShapeError, match="none of them 0"):
        layer.forward(torch.zeros(2, 0, 4, 4))
    with pytest.raises(DtypeError, match="floating-point"):
        layer.forward(torch.zeros(1, 1, 4, 4, dtype=torch.int32))
    if name != "AdaptiveAvgPool2d":
        with pytest.raises(ShapeError, match="smaller than the window"):
            layer.forward(torch.zeros(1, 1, 2, 4))
    layer.forward(torch.zeros(1, 1, 4, 4))
    with pytest.raises(ShapeError, match="gradient of the output"):
        layer.backward(torch.zeros(1, 1, 1))


def test_fractional_pooling_refuses_a_small_input():
    layer = minidl_plugins_nn.FractionalMaxPool2d(3, output_size=4)
    with pytest.raises(ShapeError, match="windows of 3x3 cannot give an output of 4x4"):
        layer.forward(torch.zeros(1, 1, 5, 9))
