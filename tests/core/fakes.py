"""Numbers that pass for tensors, and modules made of them, so that no tensor library is needed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minidl_core import BaseModule, BaseOptimizer, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping


class Number:
    """As much of a tensor of rank 0 as the core asks of one."""

    is_nested = False
    layout = "torch.strided"

    def __init__(
        self,
        number: float,
        *,
        shape: tuple[int, ...] = (),
        dtype: str = "float",
        device: str = "here",
        requires_grad: bool = False,
    ) -> None:
        self.number = number
        self.shape = shape
        self.ndim = len(shape)
        self.dtype = dtype
        self.device = device
        self.requires_grad = requires_grad
        self._version = 0

    def detach(self) -> Number:
        return self

    def clone(self) -> Number:
        return Number(self.number, shape=self.shape, dtype=self.dtype, device=self.device)

    def copy_(self, other: Number) -> None:
        self.number = other.number
        self._version += 1

    def new_zeros(self, shape: tuple[int, ...]) -> Number:
        return Number(0.0, shape=shape, dtype=self.dtype, device=self.device)

    def is_floating_point(self) -> bool:
        return self.dtype == "float"

    def isfinite(self) -> Number:
        return Number(math.isfinite(self.number))

    def all(self) -> Number:
        return self

    any = all

    def __bool__(self) -> bool:
        return bool(self.number)

    def item(self) -> float:
        return self.number

    tolist = item

    def zero_(self) -> None:
        self.number = 0.0
        self._version += 1


def parameter(number: float) -> Any:
    """A `Parameter` of the number, typed loosely, for what is inside is no torch.Tensor."""
    value: Any = Number(number)
    return Parameter(value)


class Scale(BaseModule):
    """y = w x, with the parameter w."""

    def __init__(self, weight: float) -> None:
        self.weight = parameter(weight)

    def forward(self, x: float) -> float:
        self.push(x)
        weight: float = self.weight.value.number
        return weight * x

    def backward(self, grad_output: float) -> float:
        self.weight.grad.number += grad_output * self.pop()
        weight: float = self.weight.value.number
        return weight * grad_output

    def __repr__(self) -> str:
        return f"Scale({self.weight.value.number:g})"


class Square(BaseModule):
    """y = x²."""

    def forward(self, x: float) -> float:
        self.push(x)
        return x * x

    def backward(self, grad_output: float) -> float:
        x: float = self.pop()
        return 2 * x * grad_output

    def summary(self) -> str:
        return "The square of each number"


class Duck:
    """y = w x again, inheriting nothing, with the methods of the contract and no other."""

    def __init__(self, weight: float) -> None:
        self.weight = parameter(weight)
        self.training = True
        self.kept: list[float] = []

    def forward(self, x: float) -> float:
        if self.training:
            self.kept.append(x)
        weight: float = self.weight.value.number
        return weight * x

    def backward(self, grad_output: float) -> float:
        self.weight.grad.number += grad_output * self.kept.pop()
        weight: float = self.weight.value.number
        return weight * grad_output

    def param(self) -> list[Parameter]:
        return [self.weight]

    def info(self) -> None:
        print("a duck")

    def train(self) -> None:
        self.training = True

    def eval(self) -> None:
        self.training = False
        self.kept.clear()


class Quadratic(BaseModule):
    """The loss J = (x − l)², for one number each."""

    def forward(self, prediction: float, target: float) -> Number:
        self.push(prediction - target)
        return Number((prediction - target) ** 2)

    def backward(self) -> float:
        difference: float = self.pop()
        return 2 * difference


class Descent(BaseOptimizer):
    """p ← p − lr g."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:
        super().__init__(params)
        self.lr = lr

    def step(self) -> None:
        pairs: list[Any] = list(self.params)
        for value, grad in pairs:
            value.number -= self.lr * grad.number

    def state_dict(self) -> dict[str, Any]:
        return {"lr": self.lr}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.lr = state["lr"]
