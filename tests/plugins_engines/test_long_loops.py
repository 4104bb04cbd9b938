"""A recurrent loop written in Python is traced in work that grows as its length does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import BaseModule, Parameter, Sequential, train
from minidl_plugins_basic import SGD, MSELoss
from minidl_plugins_engines import agrees_with_eager, explain

from .cases import generator

if TYPE_CHECKING:
    from torch import Tensor


class Loop(BaseModule):
    """hₜ = tanh(xₜ Wᵀ + hₜ₋₁ Uᵀ), one time step after another."""

    traceable = True

    def __init__(self, features: int) -> None:
        draw = generator(0)
        self.w = Parameter(0.3 * torch.randn(features, features, generator=draw))
        self.u = Parameter(0.3 * torch.randn(features, features, generator=draw))

    def forward(self, x: Tensor) -> Tensor:
        states = [torch.zeros_like(x[0])]
        for step in x.unbind():
            states.append((step @ self.w.value.mT + states[-1] @ self.u.value.mT).tanh())
        self.push((x, states))
        return torch.stack(states[1:])

    def backward(self, grad_output: Tensor) -> Tensor:
        x, states = self.pop()
        grads: list[Tensor] = [torch.empty(0)] * len(x)
        later = torch.zeros_like(x[0])
        for t in range(len(x) - 1, -1, -1):
            inside = (grad_output[t] + later) * (1 - states[t + 1] * states[t + 1])
            self.w.grad += inside.mT @ x[t]
            self.u.grad += inside.mT @ states[t]
            grads[t] = inside @ self.w.value
            later = inside @ self.u.value
        return torch.stack(grads)


def setup(steps: int) -> tuple[Any, list[tuple[Tensor, Tensor]]]:
    model = Sequential(Loop(3))
    x = torch.randn(steps, 4, 3, generator=generator(1))
    return (model, MSELoss(), SGD(model.param(), 0.01)), [(x, x.roll(1, 0))]


def calls_to_trace(steps: int) -> int:
    """How many functions are called, of Python and of C, while a step is traced and compiled."""
    parts, batch = setup(steps)
    list(train(*parts, batch * 2, engine="replay"))
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        list(train(*parts, batch, engine="replay"))
    finally:
        sys.setprofile(before)
    assert explain(*parts).startswith("the whole step is traced")
    return count


def test_tracing_is_linear_in_the_length_of_a_loop() -> None:
    short, middle, long = map(calls_to_trace, (32, 64, 128))
    assert long - middle < 2.2 * (middle - short)


def test_a_loop_over_512_steps_is_replayed_to_the_bit() -> None:
    parts, batch = setup(512)
    assert agrees_with_eager(*parts, batch * 6) == []
