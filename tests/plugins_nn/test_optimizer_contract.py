"""What every optimizer must be: resumable, traceable, in a stack, checked, and right for frozen
and undecayed parameters."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch

from minidl_core import ArgumentError, Parameter, ShapeError
from minidl_plugins_nn import (
    ASGD,
    SGD,
    Accumulate,
    Adafactor,
    Adagrad,
    Adam,
    AdamW,
    Averaged,
    ClipNorm,
    Lion,
    Muon,
    RMSprop,
    Rprop,
)

from .optimizer_cases import ALL, RULES, advance, draw, parameters

K = 3


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


def leaves(state):
    flat = torch.utils._pytree.tree_leaves(state)
    return [leaf.tolist() if isinstance(leaf, torch.Tensor) else leaf for leaf in flat]


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


@pytest.mark.parametrize("name", [name for name in ALL if name != "Accumulate"])
@pytest.mark.parametrize("rates", [None, (0.1, 0.03, 0.3)], ids=["one rate", "a rate each"])
def test_batched_over_models_is_each_alone(name, rates):
    if name == "Split" and rates:
        pytest.skip("its rate is set in the optimizers inside")
    alone = [parameters(name, k) for k in range(K)]
    optimizers = [ALL[name](params) for params in alone]
    one = ALL[name](parameters(name))
    stacked = Stacked(one, alone, optimizers)
    for optimizer, rate in zip(optimizers, rates or (), strict=rates is not None):
        optimizer.lr = rate
    for step in range(4):
        gradients = [[draw(p.value.shape, 10 * step + k, i) for i, p in enumerate(alone[k])]
                     for k in range(K)]  # fmt: skip
        for params, optimizer, grads in zip(alone, optimizers, gradients, strict=True):
            for parameter, grad in zip(params, grads, strict=True):
                parameter.grad.copy_(grad)
            optimizer.step()
        stacked.step([torch.stack(each) for each in zip(*gradients, strict=True)], rates)
    for place, value in enumerate(stacked.values):
        expected = torch.stack([params[place].value for params in alone])
        tolerance = 5e-2 if name == "Muon" else 1e-11  # batched products in bfloat16
        torch.testing.assert_close(value, expected, rtol=tolerance, atol=tolerance)


class Stacked:
    """Steps one optimizer with the tensors of K, by ``torch.vmap``."""

    def __init__(self, one, alone, optimizers):
        self.one = one
        self.values = [torch.stack([p.value for p in ps]) for ps in zip(*alone, strict=True)]
        self.holders = list(holders(one))
        self.state = [
            torch.stack([_held(each) for each in column])
            for column in zip(*map(holders, optimizers), strict=True)
        ]

    def step(self, gradients, rates):
        rule = innermost(self.one)

        def call(values, grads, state, rate):
            for parameter, value, grad in zip(self.one.params, values, grads, strict=True):
                object.__setattr__(parameter, "value", value)
                object.__setattr__(parameter, "grad", grad)
            for (container, key), tensor in zip(self.holders, state, strict=True):
                container[key] = tensor
            if rate is not None:
                vars(rule)["lr"] = rate
            self.one.step()
            return values[0]

        rate = None if rates is None else torch.tensor(rates, dtype=torch.float64)
        in_dims = (0, 0, 0, None if rate is None else 0)
        torch.vmap(call, in_dims=in_dims)(self.values, gradients, self.state, rate)


def innermost(optimizer):
    while hasattr(optimizer, "optimizer"):
        optimizer = optimizer.optimizer
    return optimizer


def holders(optimizer):
    """Yield (container, key) of each tensor that `optimizer` and those inside it hold."""
    for name, value in vars(optimizer).items():
        if name in ("optimizer", "inside"):
            for inner in value if isinstance(value, list) else [value]:
                yield from holders(inner)
        elif isinstance(value, torch.Tensor):
            yield vars(optimizer), name
        elif isinstance(value, list) and value and isinstance(value[0], torch.Tensor):
            for place in range(len(value)):
                yield value, place


def _held(holder):
    container, key = holder
    return container[key]


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
        state = [_held(holder) for holder in holders(optimizer)]
        return [id(tensor) for tensor in (*state, *(p.value for p in params))]

    before = tensors()
    advance(optimizer, params, range(2))
    assert tensors() == before


@pytest.mark.parametrize("name", ALL)
def test_all_but_accumulation_declare_themselves_traceable(name):
    cls = type(ALL[name](parameters(name)))
    own = next(base for base in cls.__mro__ if "step" in vars(base))
    assert vars(own).get("traceable", False) == (name != "Accumulate")


def one():
    return [Parameter(torch.ones(2, 3))]


def state(optimizer, **changes):
    return {**optimizer.state_dict(), **changes}


REFUSED = {
    "lr": (lambda: Adam(one(), -1), "Adam: lr must be a finite number that is at least 0, got -1"),
    "lr later": (lambda: setattr(Adam(one()), "lr", float("nan")), "lr must be a finite number"),
    "lr of a bool": (lambda: SGD(one(), True), "lr must be a finite number"),
    "two rates": (lambda: SGD(one(), torch.ones(2)), "lr must be a finite number"),
    "beta": (lambda: AdamW(one(), betas=(0.9, 1)), "betas[1] must be a finite number that is at"),
    "one beta": (lambda: Lion(one(), betas=0.9), "betas must be 2 numbers, got 0.9; write betas=("),
    "weight decay": (lambda: RMSprop(one(), weight_decay=-0.1), "weight_decay must be a finite"),
    "etas": (
        lambda: Rprop(one(), etas=(1.0, 0.5)),
        "etas[0] must be a finite number that is above",
    ),
    "lr decay": (lambda: Adagrad(one(), lr_decay=-0.5), "lr_decay must be"),
    "d": (lambda: Adafactor(one(), d=0.0), "d must be a finite number that is at least 1, got 0.0"),
    "eps": (lambda: Adafactor(one(), eps=(-1, 1)), "that is at least 0 or None, got -1"),
    "nesterov": (lambda: SGD(one(), nesterov=True), "nesterov needs a momentum above 0"),
    "momentum later": (
        lambda: setattr(SGD(one()), "momentum", 0.9),
        "momentum must stay 0, got 0.9: the optimizer was made without one",
    ),
    "adjustment": (lambda: Muon(one(), adjust_lr_fn="x"), "adjust_lr_fn must be one of None,"),
    "iterations": (lambda: Muon(one(), ns_steps=100), "ns_steps must be a whole number that is at"),
    "vector": (
        lambda: Muon([Parameter(torch.ones(3))]),
        "Muon: expected matrices, got parameter 0 of shape (3,)",
    ),
    "no parameters": (lambda: Adam([]), "Adam: expected at least one parameter to train"),
    "batches": (lambda: Accumulate(one(), SGD, 0), "batches must be a whole number that is at"),
    "norm type": (lambda: ClipNorm(one(), SGD, 1, 0), "norm_type must be a number that is above 0"),
    "decay": (
        lambda: Averaged(one(), SGD, 1.5),
        "decay must be a finite number that is at least 0",
    ),
    "no optimizer": (lambda: ClipNorm(one(), SGD(one())), "optimizer must make an optimizer over"),
    "devices": (
        lambda: Adam([*one(), Parameter(torch.ones(2, device="meta"))]),
        "expected all parameters on one device, got ['cpu', 'meta']",
    ),
    "part of a state": (
        lambda: Adam(one()).load_state_dict({"lr": 0.1}),
        "expected the state that Adam.state_dict() gives, got one without betas, eps,",
    ),
    "another switch": (
        lambda: Adam(one()).load_state_dict(Adam(one(), amsgrad=True).state_dict()),
        "the state is of an optimizer with amsgrad=True, and this one has amsgrad=False",
    ),
    "another model": (
        lambda: ASGD(one()).load_state_dict(ASGD([Parameter(torch.ones(2))]).state_dict()),
        "expected averages of the shapes [(2, 3)], got [(2,)]; the state belongs to another model",
    ),
    "wrapped": (
        lambda: ClipNorm(one(), SGD).load_state_dict(
            {k: v for k, v in ClipNorm(one(), SGD).state_dict().items() if k != "optimizer"}
        ),
        "it belongs to an optimizer that is not in a ClipNorm",
    ),
}


@pytest.mark.parametrize(("act", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(act, message):
    with pytest.raises((ArgumentError, ShapeError)) as caught:
        act()
    assert message in str(caught.value)


@pytest.mark.parametrize("spoiled", [{"lr": -1}, {"m": [torch.ones(7)]}, {"amsgrad": True}])
def test_refused_state_changes_nothing(spoiled):
    params = one()
    optimizer = ClipNorm(params, Adam, max_norm=0.3)
    advance(optimizer, params, range(2))
    before = leaves(optimizer.state_dict())
    inner = {**optimizer.optimizer.state_dict(), **spoiled}
    with pytest.raises((ArgumentError, ShapeError)):
        optimizer.load_state_dict({**optimizer.state_dict(), "max_norm": 9.0, "optimizer": inner})
    assert leaves(optimizer.state_dict()) == before
