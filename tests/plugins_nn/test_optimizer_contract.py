"""What every optimizer must be: resumable, traceable, right for frozen and undecayed parameters."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch

from .optimizer_cases import ALL, RULES, advance, held, holders, leaves, parameters


@pytest.mark.parametrize("name", ALL)
def test_loaded_state_resumes_to_the_bit(name):
    params, other = parameters(name), parameters(name, 1)
    first, second = ALL[name](params), ALL[name](other)
    advance(first, params, range(4))
    advance(second, other, range(7))
    state = first.state_dict()
    kept = copy.deepcopy(state)
    second.load_state_dict(state)
    for old, new in zip(params, other, strict=True):
        new.value.copy_(old.value)
    advance(first, params, range(4, 9))
    advance(second, other, range(4, 9))
    for one, two in zip(params, other, strict=True):
        assert one.value.equal(two.value)
    assert leaves(state) == leaves(kept)


@pytest.mark.parametrize("name", ALL)
def test_numbers_are_restored_over_others(name):
    params, other = parameters(name), parameters(name)
    first, second = ALL[name](params), ALL[name](other)
    second.lr = 0.7
    second.load_state_dict(first.state_dict())
    assert second.lr == first.lr
    advance(first, params, range(3))
    advance(second, other, range(3))
    for one, two in zip(params, other, strict=True):
        assert one.value.equal(two.value)


@pytest.mark.parametrize("name", ALL)
def test_steps_in_float32_follow_float64(name):
    params, double = parameters(name, dtype=torch.float32), parameters(name)
    for one, two in zip(params, double, strict=True):
        two.value.copy_(one.value)
    advance(ALL[name](params), params, range(5))
    advance(ALL[name](double), double, range(5))
    tolerance = 1e-2 if name == "Muon" else 1e-4
    for one, two in zip(params, double, strict=True):
        assert one.value.dtype == torch.float32
        torch.testing.assert_close(one.value.double(), two.value, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [n for n in RULES if "weight_decay" in RULES[n].keywords])
def test_parameter_that_does_not_decay_is_stepped_without(name):
    params, plain = parameters(name), parameters(name)
    params[0].decays = False
    rule = partial(RULES[name], **({"lambd": 0.0} if name == "ASGD" else {}))
    advance(rule(params), params, range(4))
    advance(rule(plain, weight_decay=0.0), plain, range(4))
    assert params[0].value.equal(plain[0].value)
    assert not params[1].value.equal(plain[1].value)


@pytest.mark.parametrize("name", ALL)
def test_frozen_parameter_stays(name):
    params = parameters(name)
    params[1].trainable = False
    before = params[1].value.clone()
    advance(ALL[name](params), params, range(4))
    assert params[1].value.equal(before)


@pytest.mark.parametrize("name", RULES)
def test_step_changes_tensors_in_place(name):
    params = parameters(name)
    optimizer = RULES[name](params)

    def tensors():
        state = [held(holder) for holder in holders(optimizer)]
        return [id(tensor) for tensor in (*state, *(p.value for p in params))]

    before = tensors()
    advance(optimizer, params, range(2))
    assert tensors() == before


@pytest.mark.parametrize("name", ALL)
def test_all_but_accumulation_declare_themselves_traceable(name):
    cls = type(ALL[name](parameters(name)))
    own = next(base for base in cls.__mro__ if "step" in vars(base))
    assert vars(own).get("traceable", False) == (name != "Accumulate")
