"""Optimizers of several models run as one by ``torch.vmap``, as a stack runs them."""

from __future__ import annotations

import pytest
import torch

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
