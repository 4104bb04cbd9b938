"""The comparison with torch's cases tells what is wrong with a component that is wrong."""

from __future__ import annotations

import pytest
import torch

from minidl_plugins_basic import Linear, Tanh

from .torch_cases import cases, difference


class WrongGradient(Tanh):
    def backward(self, grad_output):
        return super().backward(grad_output) * (1 + 1e-9)


class WrongOutput(Tanh):
    def forward(self, x):
        return super().forward(x) * (1 + 1e-9)


class TwoGradients(Tanh):
    def backward(self, grad_output):
        grad = super().backward(grad_output)
        return grad, grad


class ChangesItsInput(Tanh):
    def forward(self, x):
        y = super().forward(x)
        x.zero_()
        return y


class ForgetsTheBias(Linear):
    def backward(self, grad_output):
        before = self.bias.grad.clone()
        grad = super().backward(grad_output)
        self.bias.grad.copy_(before)
        return grad


class LearnsInForward(Linear):
    def forward(self, x):
        y = super().forward(x)
        self.weight.value *= 2
        return y


class OtherNames(Linear):
    def named_param(self):
        return [(name.upper(), parameter) for name, parameter in super().named_param()]


@pytest.mark.parametrize(
    ("component", "problem"),
    [
        (WrongGradient, "the gradient of input input differs by"),
        (WrongOutput, "output 0 differs by"),
        (TwoGradients, "backward returned 2 gradients, expected the gradient of input input"),
        (ChangesItsInput, "forward changed an input"),
        (ForgetsTheBias, "the gradient of bias differs by"),
        (LearnsInForward, "forward changed the state"),
        (OtherNames, "ArgumentError: "),
    ],
)
def test_difference_is_found_and_named(component, problem):
    name = "Linear" if issubclass(component, Linear) else "Tanh"
    told = difference(component, next(cases(name, torch.float64)))
    assert told is not None
    assert told.startswith(problem)


def test_cases_without_reduction_are_left_out():
    modes = [case.constructor[1].get("reduction") for case in cases("L1Loss", torch.float64)]
    assert modes
    assert "none" not in modes
