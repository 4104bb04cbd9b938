"""Lazy layers become the layer that their first input asks for."""

from __future__ import annotations

import copy
import inspect

import pytest
import torch

import minidl_plugins_nn
from minidl_core import ArgumentError, Sequential, ShapeError, StateError

from .image_twins import F64, agree, draw

ARGS = {"Conv": (4, 3), "ConvTranspose": (4, 3), "BatchNorm": (), "InstanceNorm": ()}
KINDS = [(kind, dims) for kind in ARGS for dims in (1, 2, 3)]


def lazy(kind, dims, **kwargs):
    return getattr(minidl_plugins_nn, f"Lazy{kind}{dims}d")(*ARGS[kind], **kwargs)


@pytest.mark.parametrize(("kind", "dims"), KINDS)
def test_first_input_makes_the_layer(kind, dims):
    x = draw(2, 6, *[5, 4, 3][:dims])
    layer = getattr(minidl_plugins_nn, f"{kind}{dims}d")
    draws = {"generator": torch.Generator().manual_seed(1)} if "Conv" in kind else {}
    twin_draws = {"generator": torch.Generator().manual_seed(1)} if draws else {}
    ours = lazy(kind, dims, dtype=F64, **draws)
    if kind == "InstanceNorm":
        twin_draws = {"affine": True, "track_running_stats": True}
    twin = layer(6, *ARGS[kind], dtype=F64, **twin_draws)
    y = ours.forward(x)
    assert type(ours) is layer
    agree(y, twin.forward(x))
    agree(ours.backward(y), twin.backward(y))
    assert ours.state_dict().keys() == twin.state_dict().keys()
    for (name, ours_p), (other, twin_p) in zip(ours.named_param(), twin.named_param(), strict=True):
        assert name == other
        agree(ours_p.grad, twin_p.grad)
    assert vars(ours).keys() == vars(twin).keys()


@pytest.mark.parametrize(("kind", "dims"), KINDS)
def test_lazy_arguments_are_those_of_torch(kind, dims):
    theirs = inspect.signature(getattr(torch.nn, f"Lazy{kind}{dims}d")).parameters
    ours = inspect.signature(getattr(minidl_plugins_nn, f"Lazy{kind}{dims}d")).parameters
    assert list(theirs) == [name for name in ours if name != "generator"]
    torch_defaults = [p.default for p in theirs.values()]
    assert torch_defaults == [p.default for name, p in ours.items() if name != "generator"]


def test_parameters_before_the_first_input_are_refused():
    model = Sequential(minidl_plugins_nn.LazyConv2d(4, 3))
    for ask in (model.param, model.state_dict, model[0].named_buffers):
        with pytest.raises(StateError, match="made by the first forward; run one batch"):
            ask()
    with pytest.raises(StateError, match="made by the first forward"):
        model.backward(torch.zeros(1, 4, 2, 2))
    assert "becomes Conv2d by its first input" in model.describe()
    model.eval().forward(torch.zeros(1, 2, 5, 5))
    assert [name for name, _ in model.named_param()] == ["0.weight", "0.bias"]


def test_first_input_keeps_the_mode():
    layer = lazy("BatchNorm", 1).eval()
    layer.forward(torch.zeros(4, 3))
    assert not layer.training
    assert not layer.keeping


def test_lazy_layers_are_copied_before_and_after():
    layer = lazy("Conv", 1)
    twin = copy.deepcopy(layer)
    x = torch.ones(1, 2, 5)
    layer.forward(x)
    assert type(twin).__name__ == "LazyConv1d"
    torch.testing.assert_close(copy.deepcopy(layer).forward(x), layer.forward(x))


def test_bad_lazy_arguments_are_refused_at_once():
    state = torch.get_rng_state()
    with pytest.raises(ArgumentError, match="stride must be"):
        lazy("Conv", 2, stride=0)
    with pytest.raises(ArgumentError, match="out_channels must be divisible by groups"):
        lazy("Conv", 2, groups=3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'strides'"):
        lazy("Conv", 2, strides=2)
    lazy("Conv", 2)
    assert torch.equal(torch.get_rng_state(), state)


def test_first_input_that_does_not_fit_leaves_the_layer_lazy():
    layer = lazy("Conv", 2, groups=2)
    with pytest.raises(ShapeError, match="with channels in dimension -3"):
        layer.forward(torch.zeros(5, 5))
    with pytest.raises(ArgumentError, match="in_channels must be divisible by groups"):
        layer.forward(torch.zeros(1, 3, 5, 5))
    assert type(layer).__name__ == "LazyConv2d"
    layer.forward(torch.zeros(1, 4, 5, 5))
    assert type(layer).__name__ == "Conv2d"
