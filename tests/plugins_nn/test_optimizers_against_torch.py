"""Sixty steps of every update rule beside torch.optim's, in float64, with every argument."""

from __future__ import annotations

import pytest
import torch

from minidl_core import Parameter
from minidl_plugins_nn import (
    ASGD,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Muon,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
)

SHAPES = ((3, 2), (4,), (1, 3), (), (2, 3, 2))
MATRICES = ((3, 2), (2, 5), (4, 4))
STEPS = 60

CASES = {
    SGD: [
        {},
        {"lr": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1, "maximize": True},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {"lr": torch.tensor(0.1)},
    ],
    Adam: [
        {},
        {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3},
        {"weight_decay": 0.1},
        {"weight_decay": 0.1, "amsgrad": True},
        {"weight_decay": 0.1, "maximize": True},
        {"weight_decay": 0.1, "decoupled_weight_decay": True, "amsgrad": True},
    ],
    AdamW: [
        {},
        {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3, "weight_decay": 0.0},
        {"lr": 0.1, "weight_decay": 0.2, "amsgrad": True, "maximize": True},
    ],
    NAdam: [
        {},
        {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3, "momentum_decay": 0.1},
        {"weight_decay": 0.1, "maximize": True},
        {"lr": 0.1, "weight_decay": 0.1, "momentum_decay": 0, "decoupled_weight_decay": True},
    ],
    RAdam: [
        {},
        {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3},
        {"lr": 0.1, "betas": (0.9, 0.5), "weight_decay": 0.1},
        {"betas": (0.9, 0.6), "weight_decay": 0.1, "maximize": True},
        {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
    ],
    Adamax: [
        {},
        {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3},
        {"weight_decay": 0.1, "maximize": True},
    ],
    Adagrad: [
        {},
        {"lr": 0.1, "lr_decay": 0.5, "eps": 1e-3},
        {"weight_decay": 0.1, "initial_accumulator_value": 0.1, "maximize": True},
    ],
    Adadelta: [
        {},
        {"lr": 0.5, "rho": 0.7, "eps": 1e-3},
        {"weight_decay": 0.1, "maximize": True},
    ],
    Adafactor: [
        {},
        {"lr": 0.1, "beta2_decay": -0.5},
        {"eps": (1e-2, 0.3), "d": 1.5},
        {"lr": 0.3, "weight_decay": 0.1, "maximize": True},
    ],
    RMSprop: [
        {},
        {"lr": 0.1, "alpha": 0.7, "eps": 1e-3},
        {"centered": True, "momentum": 0.5, "weight_decay": 0.1},
        {"momentum": 0.9, "maximize": True},
    ],
    Rprop: [
        {},
        {"lr": 0.1, "etas": (0.3, 1.7), "maximize": True},
        {"step_sizes": (1e-3, 2e-2)},
    ],
    ASGD: [
        {},
        {"lr": 0.1, "lambd": 0.2, "alpha": 0.5},
        {"t0": 10, "weight_decay": 0.1, "maximize": True},
    ],
    Muon: [
        {},
        {"lr": 0.1, "weight_decay": 0.0, "momentum": 0.8, "nesterov": False},
        {"ns_coefficients": (3.4, -4.7, 2.0), "ns_steps": 6, "eps": 1e-3},
        {"adjust_lr_fn": "match_rms_adamw"},
        {"adjust_lr_fn": "original"},
    ],
}


@pytest.fixture(autouse=True)
def _numbers_in_torch_state_are_float64():
    """Otherwise NAdam and ASGD of torch keep a running product and a rate in float32."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def gradient(shape, step, place):
    generator = torch.Generator().manual_seed(100 * step + place)
    return torch.randn(shape, generator=generator) * (1.0, 3.0, 0.1, 0.03, 10.0)[step % 5]


def pairs(cls, kwargs):
    shapes = MATRICES if cls is Muon else SHAPES
    ours = [Parameter(gradient(shape, 0, place + 50)) for place, shape in enumerate(shapes)]
    theirs = [parameter.value.clone() for parameter in ours]
    return ours, cls(ours, **kwargs), theirs, getattr(torch.optim, cls.__name__)(theirs, **kwargs)


@pytest.mark.parametrize(
    ("cls", "kwargs"), [(cls, kwargs) for cls, several in CASES.items() for kwargs in several]
)
def test_steps_are_those_of_torch(cls, kwargs):
    ours, optimizer, theirs, reference = pairs(cls, kwargs)
    for step in range(STEPS):
        for place, (parameter, value) in enumerate(zip(ours, theirs, strict=True)):
            value.grad = gradient(value.shape, step, place)
            parameter.grad.copy_(value.grad)
        optimizer.step()
        reference.step()
        for parameter, value in zip(ours, theirs, strict=True):
            torch.testing.assert_close(parameter.value, value, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("cls", [cls for cls in CASES if cls not in (Rprop, ASGD)])
def test_learning_rate_changes_between_steps(cls):
    ours, optimizer, theirs, reference = pairs(cls, {})
    for step in range(10):
        optimizer.lr = reference.param_groups[0]["lr"] = 0.1 / (step + 1)
        for place, (parameter, value) in enumerate(zip(ours, theirs, strict=True)):
            value.grad = gradient(value.shape, step, place)
            parameter.grad.copy_(value.grad)
        optimizer.step()
        reference.step()
    for parameter, value in zip(ours, theirs, strict=True):
        torch.testing.assert_close(parameter.value, value, rtol=1e-10, atol=1e-12)


def test_asgd_averages_are_those_of_torch():
    ours, optimizer, theirs, reference = pairs(ASGD, {"t0": 5, "lambd": 0.1})
    for step in range(20):
        for place, (parameter, value) in enumerate(zip(ours, theirs, strict=True)):
            value.grad = gradient(value.shape, step, place)
            parameter.grad.copy_(value.grad)
        optimizer.step()
        reference.step()
    for average, value in zip(optimizer.averages, theirs, strict=True):
        torch.testing.assert_close(average, reference.state[value]["ax"], rtol=1e-10, atol=1e-12)
