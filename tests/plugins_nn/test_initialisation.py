"""First values beside torch.nn.init's and torch.nn's own, number for number."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import init

from minidl_core import ArgumentError, BaseModule, Parameter, Sequential
from minidl_plugins_nn import initialise


class Layer(BaseModule):
    """A module with parameters and buffers, which computes nothing."""

    def __init__(self, **tensors):
        for name, tensor in tensors.items():
            setattr(self, name, Parameter(tensor))

    def forward(self, x):
        return x

    def backward(self, grad_output):
        return grad_output


def twin(theirs):
    """Return a module with the name, parameters and buffers of a layer of torch, all spoiled."""
    ours = type(type(theirs).__name__.removeprefix("NonDynamicallyQuantizable"), (Layer,), {})()
    for name, parameter in theirs.named_parameters(recurse=False):
        setattr(ours, name, Parameter(torch.full_like(parameter.detach(), 7.0)))
    for name, buffer in theirs.named_buffers(recurse=False):
        ours.register_buffer(name, torch.full_like(buffer, 7))
    for name, child in theirs.named_children():
        setattr(ours, name, twin(child))
    ours.hidden_size = getattr(theirs, "hidden_size", None)
    ours.padding_idx = getattr(theirs, "padding_idx", None)
    return ours


LAYERS = {
    "Linear": lambda: nn.Linear(3, 5),
    "no bias": lambda: nn.Linear(3, 5, bias=False),
    "Conv2d": lambda: nn.Conv2d(4, 6, 3, groups=2),
    "ConvTranspose1d": lambda: nn.ConvTranspose1d(4, 6, 3, groups=2),
    "Bilinear": lambda: nn.Bilinear(3, 4, 5),
    "LSTM": lambda: nn.LSTM(3, 4, 2),
    "GRUCell": lambda: nn.GRUCell(3, 4),
    "Embedding": lambda: nn.Embedding(5, 3, padding_idx=1),
    "EmbeddingBag": lambda: nn.EmbeddingBag(5, 3),
    "BatchNorm2d": lambda: nn.BatchNorm2d(3),
    "GroupNorm": lambda: nn.GroupNorm(2, 4),
    "RMSNorm": lambda: nn.RMSNorm(3),
    "PReLU": lambda: nn.PReLU(2),
    "MultiheadAttention": lambda: nn.MultiheadAttention(4, 2, add_bias_kv=True),
    "kdim": lambda: nn.MultiheadAttention(4, 2, kdim=3, vdim=5, bias=False),
    "Sequential": lambda: nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS.keys())
def test_default_is_what_torch_starts_with(make):
    ours = twin(make())
    torch.manual_seed(3)
    theirs = make()
    initialise(ours, "default", generator=torch.Generator().manual_seed(3))
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], tensor, rtol=0, atol=0)


LAWS = [
    ("xavier_uniform", init.xavier_uniform_, {"gain": 0.7}),
    ("glorot", init.xavier_uniform_, {}),
    ("glorot_normal", init.xavier_normal_, {}),
    ("kaiming_uniform", init.kaiming_uniform_, {"a": 0.3, "mode": "fan_out"}),
    ("kaiming_normal", init.kaiming_normal_, {"nonlinearity": "tanh"}),
    ("orthogonal", init.orthogonal_, {"gain": 2.0}),
    ("trunc_normal", init.trunc_normal_, {"std": 0.02, "a": -0.04, "b": 0.04}),
    ("normal", init.normal_, {"mean": 1.0, "std": 0.1}),
    ("uniform", init.uniform_, {"a": -1.0}),
]


@pytest.mark.parametrize(("law", "reference", "arguments"), LAWS)
def test_laws_are_those_of_torch(law, reference, arguments):
    layer = Layer(weight=torch.zeros(6, 4), bias=torch.ones(6), scale=torch.ones(6))
    initialise(layer, law, generator=torch.Generator().manual_seed(1), **arguments)
    expected = reference(torch.zeros(6, 4), generator=torch.Generator().manual_seed(1), **arguments)
    torch.testing.assert_close(layer.weight.value, expected, rtol=1e-5, atol=1e-7)
    assert layer.bias.value.eq(0).all()
    assert layer.scale.value.eq(1).all()


@pytest.mark.parametrize("shape", [(3, 5), (4, 4), (5, 2, 3)])
def test_orthogonal_is_that_of_torch(shape):
    layer = Layer(weight=torch.zeros(shape, dtype=torch.float64))
    initialise(layer, "orthogonal", generator=torch.Generator().manual_seed(1))
    x = torch.zeros(shape, dtype=torch.float64)
    expected = init.orthogonal_(x, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(layer.weight.value, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("law", "reference", "shape", "arguments"),
    [
        ("eye", init.eye_, (3, 4), {}),
        ("ones", init.ones_, (3, 4), {}),
        ("constant", init.constant_, (3, 4), {"val": 0.3}),
        ("dirac", init.dirac_, (4, 3, 3), {}),
        ("dirac", init.dirac_, (6, 2, 3, 4), {"groups": 3}),
    ],
)
def test_fixed_values_are_those_of_torch(law, reference, shape, arguments):
    layer = Layer(weight=torch.rand(shape))
    initialise(layer, law, **arguments)
    assert layer.weight.value.equal(reference(torch.rand(shape), **arguments))


def test_tail_of_normal_law_has_its_mean():
    layer = Layer(weight=torch.zeros(200, 200, dtype=torch.float64))
    initialise(layer, "trunc_normal", a=1.0, b=2.0, generator=torch.Generator().manual_seed(0))
    x = layer.weight.value
    assert 1 <= x.min() < x.max() <= 2
    assert x.mean().item() == pytest.approx(1.3831, abs=0.003)  # (φ(1) − φ(2)) / (Φ(2) − Φ(1))


def test_he_has_variance_two_by_inputs():
    layer = Layer(weight=torch.zeros(400, 500))
    initialise(layer, "he", generator=torch.Generator().manual_seed(0))
    assert layer.weight.value.std().item() == pytest.approx((2 / 500) ** 0.5, rel=0.01)


def test_shared_weight_is_drawn_once_and_biases_may_stay():
    first, second = (Layer(weight=torch.zeros(2, 3), bias=torch.ones(2)) for _ in range(2))
    second.weight = first.weight
    calls = []
    initialise(Sequential(first, second), calls.append, biases=None)
    assert len(calls) == 1
    assert first.bias.value.eq(1).all()


def test_padding_of_embedding_stays_zero():
    layer = twin(nn.Embedding(5, 3, padding_idx=2))
    initialise(layer, "glorot")
    assert layer.weight.value[2].eq(0).all()
    assert layer.weight.value[1].ne(7).all()


def test_parameters_in_lists_are_drawn():
    layer = Layer()
    layer.weights = [Parameter(torch.zeros(3, 2)) for _ in range(2)]
    initialise(layer, "he", generator=torch.Generator().manual_seed(0))
    assert all(weight.value.ne(0).all() for weight in layer.weights)


REFUSED = {
    "law": (lambda: initialise(Layer(w=torch.ones(2, 2)), "glorod"), 'Did you mean "glorot"?'),
    "argument": (
        lambda: initialise(Layer(w=torch.ones(2, 2)), "normal", sigma=1),
        '"normal" has no argument sigma; it takes mean, std',
    ),
    "nonlinearity": (
        lambda: initialise(Layer(w=torch.ones(2, 2)), "kaiming_normal", nonlinearity="swish"),
        "nonlinearity must be one of linear, sigmoid, tanh, relu, selu, leaky_relu, got 'swish'",
    ),
    "interval": (
        lambda: initialise(Layer(w=torch.ones(2, 2)), "trunc_normal", a=2.0, b=1.0),
        "the law has no values between a=2 and b=1",
    ),
    "no weight": (lambda: initialise(Layer(w=torch.ones(2)), "he"), "a weight of two or more"),
    "shape": (
        lambda: initialise(Sequential(Layer(w=torch.ones(2, 2, 2))), "eye"),
        "'eye' does not fit 0.w of shape (2, 2, 2)",
    ),
    "unknown layer": (
        lambda: initialise(Sequential(Layer(w=torch.ones(2, 2))), "default"),
        "expected layers that torch has too, got Layer at 0",
    ),
    "default": (
        lambda: initialise(Sequential(), "default", gain=1),
        '"default" takes no arguments, got gain',
    ),
}


@pytest.mark.parametrize(("act", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(act, message):
    with pytest.raises(ArgumentError) as caught:
        act()
    assert message in str(caught.value)
