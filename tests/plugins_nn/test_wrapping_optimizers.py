"""Clipping, accumulation and averages beside torch's own."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim.swa_utils import get_ema_multi_avg_fn, get_swa_multi_avg_fn

from minidl_core import ArgumentError, Parameter, ShapeError
from minidl_plugins_nn import SGD, Accumulate, AdamW, Averaged, ClipNorm, ClipValue, Muon, Split

from .optimizer_cases import SHAPES, advance, draw, parameters


def with_gradients(size):
    params = parameters("SGD")
    for place, parameter in enumerate(params):
        parameter.grad.copy_(size * draw(parameter.grad.shape, 3, place))
    theirs = [p.value.clone() for p in params]
    for parameter, leaf in zip(params, theirs, strict=True):
        leaf.grad = parameter.grad.clone()
    return params, theirs


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.5, math.inf])
@pytest.mark.parametrize("size", [0.01, 1.0, 100.0])
def test_clipping_by_norm_is_that_of_torch(size, norm_type):
    params, theirs = with_gradients(size)
    optimizer = ClipNorm(params, partial(SGD, lr=1.0), 0.7, norm_type)
    before = [p.value.clone() for p in params]
    norm = clip_grad_norm_(theirs, 0.7, norm_type)
    optimizer.step()
    assert optimizer.norm.item() == pytest.approx(norm.item(), rel=1e-12)
    for parameter, leaf, value in zip(params, theirs, before, strict=True):
        torch.testing.assert_close(parameter.grad, leaf.grad, rtol=1e-12, atol=0)
        torch.testing.assert_close(parameter.value, value - leaf.grad, rtol=1e-12, atol=1e-15)


def test_clipping_by_value_is_that_of_torch():
    params, theirs = with_gradients(1.0)
    clip_grad_value_(theirs, 0.4)
    ClipValue(params, partial(SGD, lr=1.0), 0.4).step()
    for parameter, leaf in zip(params, theirs, strict=True):
        assert parameter.grad.equal(leaf.grad)


def test_accumulated_batches_are_one_large_batch():
    small, large = parameters("SGD"), parameters("SGD")
    accumulating = Accumulate(small, partial(AdamW, lr=0.1), batches=3)
    optimizer = AdamW(large, lr=0.1)
    for step in range(4):
        before = [p.value.clone() for p in small]
        for batch in range(3):
            assert all(p.value.equal(b) for p, b in zip(small, before, strict=True))
            advance(accumulating, small, [3 * step + batch])
        optimizer.zero_grad()
        for place, parameter in enumerate(large):
            for batch in range(3):
                parameter.grad += draw(parameter.grad.shape, 3 * step + batch + 1, place) / 3
        optimizer.step()
        for one, two in zip(small, large, strict=True):
            torch.testing.assert_close(one.value, two.value, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("decay", "average"), [(0.9, get_ema_multi_avg_fn(0.9)), (None, get_swa_multi_avg_fn())]
)
@pytest.mark.parametrize("start", [0, 3])
def test_averages_are_those_of_torch(decay, average, start):
    params = parameters("SGD")
    optimizer = Averaged(params, partial(SGD, lr=0.1), decay, start)
    theirs, seen = [], 0
    for step in range(12):
        advance(optimizer, params, [step])
        if step < start or not seen:
            theirs = [p.value.clone() for p in params]
        else:
            average(theirs, [p.value for p in params], seen)
        seen += step >= start
        for ours, expected in zip(optimizer.averages, theirs, strict=True):
            torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-14)


def test_averages_replace_values_for_a_while():
    params = parameters("SGD")
    optimizer = Averaged(params, partial(SGD, lr=0.1), 0.5)
    advance(optimizer, params, range(3))
    held, before = [id(p.value) for p in params], [p.value.clone() for p in params]
    with optimizer.averaged():
        assert all(p.value.equal(a) for p, a in zip(params, optimizer.averages, strict=True))
        assert not params[0].value.equal(before[0])
    assert [id(p.value) for p in params] == held
    assert all(p.value.equal(b) for p, b in zip(params, before, strict=True))


def test_learning_rate_reaches_innermost_optimizer():
    params = [Parameter(torch.ones(shape)) for shape in SHAPES]
    optimizer = Averaged(params, partial(ClipNorm, optimizer=SGD))
    optimizer.lr = 0.25
    assert optimizer.optimizer.optimizer.lr == optimizer.lr == 0.25


def test_split_steps_matrices_and_others_apart():
    params, alone = parameters("SGD"), parameters("SGD")
    optimizer = Split(params, partial(Muon, lr=0.1), partial(AdamW, lr=0.2))
    matrices = [p for p in alone if p.value.ndim == 2]
    others = [p for p in alone if p.value.ndim != 2]
    apart = [Muon(matrices, lr=0.05), AdamW(others, lr=0.1)]
    optimizer.lr = 0.5
    for step in range(3):
        for place, (parameter, twin) in enumerate(zip(params, alone, strict=True)):
            parameter.grad.copy_(draw(parameter.grad.shape, step, place))
            twin.grad.copy_(parameter.grad)
        optimizer.step()
        for each in apart:
            each.step()
    for parameter, twin in zip(params, alone, strict=True):
        assert parameter.value.equal(twin.value)
    optimizer.lr = 0.0
    optimizer.lr = 1.0
    assert [inner.lr for inner in optimizer.inside] == [0.1, 0.2]


def test_split_state_that_fits_half_changes_nothing():
    params = parameters("SGD")
    optimizer = Split(params, partial(SGD, momentum=0.9), AdamW)
    advance(optimizer, params, range(2))
    state = optimizer.state_dict()
    first, second = state["inside"]
    spoiled = {**state, "inside": [{**first, "lr": 0.7}, {**second, "m": []}]}
    with pytest.raises(ShapeError):
        optimizer.load_state_dict(spoiled)
    assert optimizer.inside[0].lr == first["lr"]
    with pytest.raises(ArgumentError, match="the states of 2 optimizers, got 1"):
        optimizer.load_state_dict({**state, "inside": [first]})
    with pytest.raises(ArgumentError, match="others must make an optimizer over parameters"):
        Split(params, SGD, SGD(params))
