"""What the components refuse, and what they say then: expected, got, where, and what to do."""

from __future__ import annotations

import math

import pytest
import torch

from acme_nets import Adam, HuberLoss, Lion, Residual, Swish
from minidl_core import (
    ArgumentError,
    DeviceError,
    DtypeError,
    MinidlError,
    Parameter,
    ParameterError,
    Sequential,
    ShapeError,
    StateError,
)

X = torch.ones(4, 3)


class Halves(Swish):
    """An inner module that does not keep the shape."""

    def forward(self, x):
        return super().forward(x)[..., :1]


REFUSED = {
    "beta": (
        lambda: Swish(math.nan),
        ArgumentError,
        "Swish: beta must be a finite number, got nan",
    ),
    "no module": (
        lambda: Residual(Swish),
        ArgumentError,
        "Residual: inner must be a module, got <class 'acme_nets.swish.Swish'>; put several",
    ),
    "scale": (
        lambda: Residual(Swish(), "1"),
        ArgumentError,
        "scale must be a finite number, got '1'",
    ),
    "delta": (
        lambda: HuberLoss(-1),
        ArgumentError,
        "HuberLoss: delta must be a finite number of at",
    ),
    "delta 0": (lambda: HuberLoss(0), ArgumentError, "HuberLoss: delta must be above 0, got 0"),
    "lr": (
        lambda: Adam([Parameter(X)], -1),
        ArgumentError,
        "Adam: lr must be a finite number of at",
    ),
    "beta of 1": (
        lambda: Lion([Parameter(X)], betas=(0.9, 1)),
        ArgumentError,
        "Lion: betas[1] must be a finite number of at least 0 and less than 1, got 1",
    ),
    "one beta": (
        lambda: Adam([Parameter(X)], betas=0.9),
        ArgumentError,
        "Adam: betas must be two numbers, got 0.9",
    ),
    "no parameters": (lambda: Lion([]), ArgumentError, "Lion: expected at least one parameter"),
    "a graph": (
        lambda: Swish().forward(X.clone().requires_grad_()),
        ParameterError,
        "Swish: the input has requires_grad=True",
    ),
    "dtype": (
        lambda: Swish(learned=True).forward(X.double()),
        DtypeError,
        "Swish: expected the input in the dtype of the beta, torch.float32, got torch.float64",
    ),
    "device": (
        lambda: Residual(Swish()).forward(X.to("meta")),
        DeviceError,
        "Residual: expected the input on the device of the scale, cpu, got meta",
    ),
    "shape of the inner output": (
        lambda: Sequential(Residual(Halves())).forward(X),
        ShapeError,
        "Sequential[0] › Residual[inner]: expected an inner module that keeps the shape (4, 3)",
    ),
    "backward without forward": (
        lambda: Residual(Swish()).backward(X),
        StateError,
        "Residual: backward without forward",
    ),
    "shapes of the loss": (
        lambda: HuberLoss().forward(X, X[:, 0]),
        ShapeError,
        "HuberLoss: prediction (4, 3) and target (4,) must have the same shape",
    ),
    "an empty batch": (
        lambda: HuberLoss().forward(X[:0], X[:0]),
        ShapeError,
        "HuberLoss: expected at least one element to take the mean of",
    ),
    "a target of another dtype": (
        lambda: HuberLoss().forward(X, X.double()),
        DtypeError,
        "HuberLoss: expected the target in the dtype of the prediction",
    ),
    "part of a state": (
        lambda: Adam([Parameter(X)]).load_state_dict({"lr": 0.1}),
        ArgumentError,
        "Adam: expected the state that Adam.state_dict() gives, got one without betas, eps, m,",
    ),
    "a state of another model": (
        lambda: Lion([Parameter(X)]).load_state_dict(Lion([Parameter(X[0])]).state_dict()),
        ShapeError,
        "Lion: expected averages of the parameters' shapes [(4, 3)], got [(3,)]; the state belongs",
    ),
}


@pytest.mark.parametrize(("act", "error", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(act, error, message):
    with pytest.raises(MinidlError) as caught:
        act()
    assert type(caught.value) is error
    assert message in str(caught.value)


@pytest.mark.parametrize("layer", [Swish(), Residual(Swish())])
def test_refuses_a_gradient_that_would_be_broadcast(layer):
    layer.forward(X)
    with pytest.raises(ShapeError, match=r"in the output's shape \(4, 3\), got \(1, 3\)"):
        layer.backward(X[:1])


def test_an_error_deep_inside_says_the_whole_way():
    inner = Swish(learned=True, dtype=torch.float64)
    model = Sequential(Swish(), Residual(Sequential(Swish(), inner)))
    with pytest.raises(DtypeError) as caught:
        model.forward(X)
    assert str(caught.value).startswith(
        "Sequential[1] › Residual[inner] › Sequential[1] › Swish: expected the input in the dtype"
    )


def test_a_backward_inside_says_the_way_too():
    model = Residual(Swish())
    model.forward(X)
    model.inner.eval()
    with pytest.raises(StateError) as caught:
        model.backward(X)
    assert str(caught.value).startswith("Residual[inner] › Swish: backward in evaluation mode")


def test_a_refused_state_changes_nothing():
    optimizer = Adam([Parameter(X.clone())], lr=0.5)
    state = {**optimizer.state_dict(), "lr": 0.1, "v": [torch.zeros(2)]}
    with pytest.raises(ShapeError):
        optimizer.load_state_dict(state)
    assert optimizer.lr == 0.5
