"""A program as a user writes it, for ``mypy --strict``; tests run it as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import (
    BaseModule,
    Loss,
    Module,
    Optimizer,
    Parameter,
    Sequential,
    registry,
    train,
)
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, stack, unstack

if TYPE_CHECKING:
    from torch import Tensor


class Scale(BaseModule):
    """Y = a X."""

    def __init__(self, size: int) -> None:
        self.a = Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        self.push(x)
        return x * self.a.value

    # d(a x)/da = x, d(a x)/dx = a
    def backward(self, grad_output: Tensor) -> Tensor:
        x: Tensor = self.pop()
        self.a.grad += (grad_output * x).sum(0)
        return grad_output * self.a.value


class Duck:
    """A module that inherits nothing."""

    training: bool = True

    def forward(self, x: Tensor) -> Tensor:
        return -x

    def backward(self, grad_output: Tensor) -> Tensor:
        return -grad_output

    def param(self) -> list[Parameter]:
        return []

    def info(self) -> None:
        print("Duck")

    def train(self) -> None:
        self.training = True

    def eval(self) -> None:
        self.training = False


def main() -> float:
    generator = torch.Generator().manual_seed(0)
    modules: list[Module] = [Linear(2, 3, generator=generator), ReLU(), Scale(3), Duck()]
    model = Sequential(*modules, registry.create("modules", "Linear", 3, 1, generator=generator))
    loss: Loss = registry.get("losses", "MSELoss")()
    optimizer: Optimizer = registry.get("optimizers", "SGD")(model.param(), lr=0.1, momentum=0.9)
    x = torch.randn(8, 2, generator=generator)
    last = float("nan")
    for step in train(model, loss, optimizer, [(x, x.sum(1, keepdim=True))] * 50):
        last = step.loss.item()
    for name, (value, grad) in model.named_param():
        assert value.shape == grad.shape, name
    two = [Sequential(Linear(2, 1)), Sequential(Linear(2, 1))]
    both = stack(two)
    rates = stack([SGD(one.param(), lr=lr) for one, lr in zip(two, (0.1, 0.2), strict=True)])
    list(train(both, loss, rates, [(torch.ones(2, 8, 2), torch.ones(2, 8, 1))]))
    each: list[Sequential] = unstack(both)
    SGD(each[0].param(), lr=0.1, momentum=None).step()
    MSELoss().forward(each[0].forward(x), x[:, :1])
    return last


if __name__ == "__main__":
    print(main())
