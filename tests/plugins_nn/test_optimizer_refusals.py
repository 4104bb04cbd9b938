"""What optimizers refuse, and what they say then."""

from __future__ import annotations

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

from .optimizer_cases import advance, leaves


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
    "switch in words": (
        lambda: Adam(one(), maximize="no"),
        "Adam: maximize must be True or False, got 'no'",
    ),
    "nesterov in words": (
        lambda: SGD(one(), momentum=0.9, nesterov="no"),
        "SGD: nesterov must be True or False, got 'no'",
    ),
    "switch later": (
        lambda: setattr(Adam(one()), "amsgrad", True),
        "Adam: amsgrad is fixed once the optimizer is made, as False, got True; make the optimizer",
    ),
    "adjustment later": (
        lambda: setattr(Muon(one()), "adjust_lr_fn", "x"),
        "Muon: adjust_lr_fn is fixed once the optimizer is made, as None, got 'x'",
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
