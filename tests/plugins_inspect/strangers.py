"""Modules of a stranger, which inherit nothing from minidl."""

from __future__ import annotations

import torch

from minidl_core import Parameter


class Scale:
    """y = w · x, the whole contract by hand."""

    def __init__(self) -> None:
        self.training = True
        self.weight = Parameter(torch.tensor([2.0]))
        self.inputs: list[torch.Tensor] = []

    def forward(self, x):
        if self.training:
            self.inputs.append(x)
        return x * self.weight.value

    def backward(self, grad):
        x = self.inputs.pop()
        self.weight.grad += (grad * x).sum()
        return grad * self.weight.value

    def param(self):
        return [self.weight]

    def info(self):
        print("Scale")

    def train(self):
        self.training = True

    def eval(self):
        self.training = False


class Failing(Scale):
    """Its backward raises after it has changed its own gradient."""

    def backward(self, grad):
        super().backward(grad)
        raise RuntimeError("in the middle")


class OnlySlots:
    """The contract without ``__dict__`` anywhere."""

    __slots__ = ("training",)

    def __init__(self) -> None:
        self.training = True

    def forward(self, x):
        return -x

    def backward(self, grad):
        return -grad

    def param(self):
        return []

    def info(self):
        print("OnlySlots")

    def train(self):
        self.training = True

    def eval(self):
        self.training = False
