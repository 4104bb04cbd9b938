"""Optimizers of several models run as one by ``torch.vmap``, as a stack runs them."""

from __future__ import annotations

import pytest
import torch

from minidl_core import Sequential, train
from minidl_plugins_basic import Linear, MSELoss, stack

from .optimizer_cases import ALL, draw, held, holders, innermost, parameters

K = 3


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
            torch.stack([held(each) for each in column])
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


def trained(name, k, batches):
    """Return the parameters of model `k` after training it alone."""
    model, optimizer = model_and_optimizer(name, k)
    for _ in train(model, MSELoss(), optimizer, [(x[k], y[k]) for x, y in batches]):
        pass
    return model.param()


def model_and_optimizer(name, k):
    generator = torch.Generator().manual_seed(k)
    model = Sequential(Linear(4, 5, generator=generator, dtype=torch.float64, bias=name != "Muon"))
    optimizer = ALL[name](model.param())
    optimizer.lr = optimizer.lr * (0.1, 0.02, 0.05)[k]
    return model, optimizer


@pytest.mark.parametrize("name", ALL)
def test_stack_trains_each_model_as_alone(name):
    batches = [(draw((K, 8, 4), step), draw((K, 8, 5), step, 1)) for step in range(6)]
    pairs = [model_and_optimizer(name, k) for k in range(K)]
    model, optimizer = stack([m for m, _ in pairs]), stack([o for _, o in pairs])
    for _ in train(model, MSELoss(), optimizer, batches):
        pass
    tolerance = 1e-2 if name == "Muon" else 1e-11
    for k in range(K):
        for stacked, alone in zip(model.param(), trained(name, k, batches), strict=True):
            torch.testing.assert_close(
                stacked.value[k], alone.value, rtol=tolerance, atol=tolerance
            )
