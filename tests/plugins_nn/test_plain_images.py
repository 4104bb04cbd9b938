"""The kernels that the layers call compute the plain formulas."""

from __future__ import annotations

import pytest

from minidl_plugins_nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    GroupNorm,
    InstanceNorm2d,
    LayerNorm,
    MaxPool2d,
    plain_images,
)

from .image_twins import F64, agree, draw

STRIDES = pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 1), (2, 3)])
X = draw(3, 4, 7, 8)


@STRIDES
def test_convolution_is_its_plain_formula(kernel, stride):
    layer = Conv2d(4, 5, kernel, stride, dtype=F64)
    weight, bias = layer.weight.value, layer.bias.value
    y = layer.forward(X)
    agree(y, plain_images.convolution(X, weight, bias, stride))
    dx = layer.backward(draw(*y.shape, seed=1))
    plain = plain_images.convolution_backward(draw(*y.shape, seed=1), X, weight, stride)
    for got, expected in zip((dx, layer.weight.grad, layer.bias.grad), plain, strict=True):
        agree(got, expected)


@STRIDES
def test_pooling_is_its_plain_formula(kernel, stride):
    largest, average = MaxPool2d(kernel, stride), AvgPool2d(kernel, stride)
    y = largest.forward(X)
    dy = draw(*y.shape, seed=1)
    agree(y, plain_images.maximum(X, kernel, stride))
    agree(largest.backward(dy), plain_images.maximum_backward(dy, X, kernel, stride))
    agree(average.forward(X), plain_images.mean(X, kernel, stride))
    agree(average.backward(dy), plain_images.mean_backward(dy, X.shape, kernel, stride))


@pytest.mark.parametrize(
    ("layer", "shape", "dims", "of_parameters"),
    [
        (lambda: BatchNorm2d(4, 1e-2, dtype=F64), X.shape, (0, 2, 3), (4, 1, 1)),
        (lambda: InstanceNorm2d(4, 1e-2, affine=True, dtype=F64), X.shape, (2, 3), (4, 1, 1)),
        (lambda: LayerNorm((7, 8), 1e-2, dtype=F64), X.shape, (2, 3), (7, 8)),
        (lambda: GroupNorm(2, 4, 1e-2, dtype=F64), (3, 2, 2, 7, 8), (2, 3, 4), (2, 2, 1, 1)),
    ],
    ids=["batch", "instance", "layer", "group"],
)
def test_norms_are_their_plain_formula(layer, shape, dims, of_parameters):
    layer = layer()
    layer.weight.value.copy_(draw(*layer.weight.value.shape, seed=2))
    layer.bias.value.copy_(draw(*layer.bias.value.shape, seed=3))
    gamma, beta = (p.value.view(of_parameters) for p in (layer.weight, layer.bias))
    x, dy = X.view(shape), draw(*X.shape, seed=1)
    agree(layer.forward(X).view(shape), plain_images.normalise(x, dims, gamma, beta, 1e-2))
    got = (layer.backward(dy), layer.weight.grad, layer.bias.grad)
    plain = plain_images.normalise_backward(dy.view(shape), x, dims, gamma, 1e-2)
    for ours, expected in zip(got, plain, strict=True):
        agree(ours.flatten(), expected.flatten())
