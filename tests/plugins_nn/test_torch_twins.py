"""Models from torch.nn and back: every module that has a twin, with torch's own cases."""

from __future__ import annotations

import inspect
import warnings
from collections import OrderedDict

import pytest
import torch
from torch import nn

from minidl_core import ArgumentError, BaseModule, Sequential, train
from minidl_plugins_basic import SGD, Linear, Tanh
from minidl_plugins_nn import CrossEntropyLoss, Residual, from_torch, to_torch

from .nested_tensors import mapped, tensors
from .torch_cases import MODULES, cases, component

LEFT_OUT = {"LinearCrossEntropyLoss"}  # torch's keeps no sizes of its layer
TWINS = [name for name in MODULES if component(name) is not None and name not in LEFT_OUT]
EXACT = 1e-12


def run(module, case):
    torch.manual_seed(1)
    args, kwargs = mapped(lambda tensor: tensor.detach().clone(), case.inputs)
    bound = inspect.signature(case.module.forward).bind(None, *args, **kwargs)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        call = module if isinstance(module, nn.Module) else module.forward
        return [
            tensor
            for tensor in tensors(call(*bound.args[1:], **bound.kwargs))
            if tensor is not None
        ]


def assert_equal(ours, theirs):
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == other.dtype
        assert torch.allclose(one, other, rtol=EXACT, atol=EXACT, equal_nan=True)


@pytest.mark.parametrize("name", TWINS)
def test_every_module_goes_over_and_back(name):
    done = 0
    for case in cases(name, torch.float64):
        args, kwargs = mapped(lambda tensor: tensor.detach().clone(), case.constructor)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = case.module(*args, **kwargs).to(torch.float64)
            if isinstance(theirs, nn.modules.lazy.LazyModuleMixin):
                run(theirs, case)
        theirs.train(case.training)
        ours = from_torch(theirs)
        if not isinstance(theirs, nn.modules.loss._Loss):
            assert ours.training == case.training
        again = to_torch(ours)
        assert type(again) is type(theirs)
        for state in (ours.state_dict(), again.state_dict()):
            assert state.keys() == theirs.state_dict().keys()
            for key, tensor in theirs.state_dict().items():
                assert torch.equal(state[key], tensor)
        expected = run(theirs, case)
        assert_equal(run(again, case), expected)
        assert_equal(run(ours, case), expected)
        done += 1
    assert done


def test_nearly_every_module_is_among_them():
    assert len(TWINS) >= 113


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(1, 4, 3, bias=False),
            norm=nn.BatchNorm2d(4),
            inner=nn.Sequential(nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Flatten()),
            head=nn.Linear(16, 3),
        )
    ).double()


def test_a_model_learns_as_its_twin():
    theirs = small()
    theirs.inner[1].p = 0.0
    ours = from_torch(theirs)
    x, y = torch.randn(6, 1, 4, 4, dtype=torch.float64), torch.arange(6) % 3
    optimizer = torch.optim.SGD(theirs.parameters(), 0.1, momentum=0.9)
    curve = []
    with torch.enable_grad():
        for _ in range(5):
            optimizer.zero_grad()
            value = nn.functional.cross_entropy(theirs(x), y)
            value.backward()
            optimizer.step()
            curve.append(value.item())
    steps = train(ours, CrossEntropyLoss(), SGD(ours.param(), 0.1, 0.9), [(x, y)] * 5)
    assert [step.loss.item() for step in steps] == pytest.approx(curve, rel=1e-12)
    again = to_torch(ours)
    theirs.eval(), again.eval()
    assert_equal([again(x)], [theirs(x).detach()])


def test_shared_parameters_and_modules_stay_shared():
    table, head = nn.Embedding(5, 4), nn.Linear(4, 5, bias=False)
    head.weight = table.weight
    twice = nn.Linear(4, 4)
    theirs = nn.Sequential(table, twice, nn.Tanh(), twice, head)
    ours = from_torch(theirs)
    assert ours[0].weight is ours[4].weight
    assert ours[1] is ours[3]
    assert len(ours.param()) == 3
    again = to_torch(ours)
    assert again[0].weight is again[4].weight
    assert again[1] is again[3]


def test_modes_and_frozen_parameters_go_over():
    theirs = small()
    theirs.norm.eval()
    theirs.conv.weight.requires_grad_(False)
    ours = from_torch(theirs)
    assert [module.training for module in ours] == [True, False, True, True]
    assert [p.trainable for p in ours.param()] == [False, True, True, True, True]
    again = to_torch(ours)
    assert [module.training for module in again] == [True, False, True, True]
    assert [p.requires_grad for p in again.parameters()] == [False, True, True, True, True]


def test_copies_share_no_memory():
    theirs = small()
    ours = from_torch(theirs)
    again = to_torch(ours)
    before = theirs.conv.weight.clone()
    for parameter in ours.param():
        parameter.value.zero_()
    assert torch.equal(theirs.conv.weight, before)
    assert torch.equal(again[0].weight, before)


def test_no_random_number_is_drawn():
    theirs = small()
    state = torch.random.get_rng_state()
    to_torch(from_torch(theirs))
    assert torch.equal(torch.random.get_rng_state(), state)


class Own(nn.Module):
    def forward(self, x):
        return x


class OwnLinear(nn.Linear):
    pass


def hooked() -> nn.Module:
    module = nn.Linear(2, 2)
    module.register_forward_hook(lambda *_: None)
    return module


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Sequential(nn.ReLU(), nn.Sequential(Own())), "1.0 (Own) has no counterpart"),
        (lambda: OwnLinear(2, 2), "OwnLinear has no counterpart"),
        (lambda: nn.ModuleList([nn.ReLU()]), "ModuleList has no counterpart"),
        (hooked, "Linear has no counterpart"),
        (lambda: nn.Sequential(nn.Embedding(3, 2, max_norm=1.0)), "0 (Embedding): Embedding: "),
        (lambda: nn.TransformerEncoderLayer(4, 2, activation=torch.sin), "activation must be"),
        (lambda: nn.LazyLinear(3), "LazyLinear has no counterpart"),
    ],
)
def test_the_module_without_counterpart_is_named(make, words):
    with pytest.raises(ArgumentError) as caught:
        from_torch(make())
    assert words in str(caught.value)
    assert "from_torch" in str(caught.value)


class Stranger(BaseModule):
    def forward(self, x):
        return x

    def backward(self, dy):
        return dy


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sequential(Tanh(), Residual(Linear(2, 2))), "1 (Residual) has no counterpart"),
        (Stranger, "Stranger has no counterpart"),
        (lambda: CrossEntropyLoss(dim=-1), "it has no argument dim, and it is -1"),
    ],
)
def test_torch_lacks_what_is_named(make, words):
    with pytest.raises(ArgumentError) as caught:
        to_torch(make())
    assert words in str(caught.value)
    assert "to_torch" in str(caught.value)
