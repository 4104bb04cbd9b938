"""Setups that every engine must train as ``eager`` does, and what happens to them between steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from minidl_core import BaseModule, BaseOptimizer, Parameter, Sequential
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, Sigmoid, Tanh
from minidl_plugins_nn import (
    GELU,
    GRU,
    Accumulate,
    Adam,
    AdamW,
    Averaged,
    BatchNorm1d,
    ClipNorm,
    Conv2d,
    CrossEntropyLoss,
    Dropout,
    Embedding,
    Flatten,
    GroupNorm,
    LayerNorm,
    Residual,
    Select,
    TransformerEncoderLayer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Setup = tuple[Any, Any, Any]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(n: int = 8, features: int = 3, seed: int = 1) -> Tensor:
    return torch.randn(n, features, generator=generator(seed))


class Doubled(BaseModule):
    """A layer with a number in a dict, an attribute and a class attribute."""

    traceable = True
    slope = 2.0

    def __init__(self) -> None:
        self.cfg = {"slope": 1.0}
        self.scale = 1.0

    def forward(self, x: Tensor) -> Tensor:
        self.push(None)
        return x * (self.slope * self.scale * self.cfg["slope"])

    def backward(self, grad_output: Tensor) -> Tensor:
        self.pop()
        return grad_output * (self.slope * self.scale * self.cfg["slope"])


FACTOR = 1.5


class Global(BaseModule):
    """A layer that reads a number of its module."""

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        self.push(None)
        return x * FACTOR

    def backward(self, grad_output: Tensor) -> Tensor:
        self.pop()
        return grad_output * FACTOR


class Counting(BaseModule):
    """A layer whose output depends on how often it was called."""

    traceable = True  # which is not true

    def __init__(self) -> None:
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.push(self.calls)
        return x * (1 + 0.1 * (self.calls % 3))

    def backward(self, grad_output: Tensor) -> Tensor:
        return grad_output * (1 + 0.1 * (self.pop() % 3))


class Listed(BaseModule):
    """A container with a Python list of layers, which may change."""

    traceable = True

    def __init__(self) -> None:
        self.layers: list[Any] = [linear()(), Tanh(), linear(3, 3, False)()]

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad_output: Tensor) -> Tensor:
        for layer in reversed(self.layers):
            grad_output = layer.backward(grad_output)
        return grad_output


class Functional(BaseModule):
    """Functions of torch.nn.functional, one with an argument ``inplace``."""

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        self.push(x)
        return functional.relu(x, inplace=False) + functional.layer_norm(x, (3,))

    def backward(self, grad_output: Tensor) -> Tensor:
        x = self.pop()
        return grad_output * (x > 0) + functional.softmax(x, -1)


class Scaling(BaseModule):
    """A loss with a buffer: the mean squared error over a running scale."""

    traceable = True

    def __init__(self) -> None:
        self.register_buffer("scale", torch.ones(()))

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.push(prediction - target)
        return (prediction - target).square().mean() / self.scale

    def backward(self) -> Tensor:
        difference = self.pop()
        grad = 2 * difference / (difference.numel() * self.scale)
        self.scale.mul_(0.9).add_(difference.abs().mean(), alpha=0.1)
        return grad


class Looking(BaseModule):
    """Decides by a truth value, which is now this and now that."""

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        large = bool((x.mean() > 0).item())
        self.push(large)
        return x * 2 if large else x - 1

    def backward(self, grad_output: Tensor) -> Tensor:
        return grad_output * 2 if self.pop() else grad_output


class ThroughView(BaseModule):
    """Y = X Wᵀ, which adds to its gradient through a view."""

    traceable = True

    def __init__(self) -> None:
        self.weight = Parameter(torch.randn(3, 3, generator=generator(5)))

    def forward(self, x: Tensor) -> Tensor:
        self.push(x)
        return x @ self.weight.value.mT

    def backward(self, grad_output: Tensor) -> Tensor:
        x = self.pop()
        self.weight.grad.mT.addmm_(x.mT, grad_output)
        return grad_output @ self.weight.value


class Tied(Sequential):
    """An encoder and a decoder whose weight is a view of the encoder's."""

    def __init__(self) -> None:
        encoder, decoder = (Linear(3, 3, bias=False, generator=generator(6)) for _ in range(2))
        decoder.weight = Parameter(encoder.weight.value.mT, encoder.weight.grad.mT)
        super().__init__(encoder, Tanh(), decoder)


class Masked(BaseModule):
    """The mean squared error over the targets above zero: a size that depends on data."""

    traceable = True

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        mask = target > 0
        difference = prediction[mask] - target[mask]
        self.push((mask, difference))
        return difference.square().sum() / max(difference.numel(), 1)

    def backward(self) -> Tensor:
        mask, difference = self.pop()
        grad = torch.zeros(mask.shape)
        grad[mask] = 2 * difference / max(difference.numel(), 1)
        return grad


class PlainLoss:
    """w Σ (x − l)², inheriting nothing."""

    training = True

    def __init__(self) -> None:
        self.w = 1.0
        self.kept: list[Tensor] = []

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.kept.append(prediction - target)
        return self.w * self.kept[-1].square().sum()

    def backward(self) -> Tensor:
        return 2 * self.w * self.kept.pop()

    def param(self) -> list[Parameter]:
        return []

    def info(self) -> None:
        print("PlainLoss")

    def train(self) -> None:
        self.training = True

    def eval(self) -> None:
        self.training = False
        self.kept.clear()


class FreshGradients(SGD):
    """Makes new gradient tensors instead of zeroing."""

    traceable = True

    def zero_grad(self) -> None:
        for parameter in self.params:
            parameter.grad = torch.zeros_like(parameter.value)


class CountingSteps(BaseOptimizer):
    """A rate that falls with a Python counter."""

    traceable = True  # which is not true

    def __init__(self, params: Any) -> None:
        super().__init__(params)
        self.t = 0

    def step(self) -> None:
        self.t += 1
        for value, grad in self.params:
            value -= 0.1 / self.t * grad

    def state_dict(self) -> dict[str, Any]:
        return {"t": self.t}

    def load_state_dict(self, state: Any) -> None:
        self.t = state["t"]


def chain(*layers: Any, loss: Any = None, optimizer: Any = None) -> Callable[[], Setup]:
    """Functions that make the layers, and one that makes an optimizer of parameters."""

    def make() -> Setup:
        model = Sequential(*(layer() for layer in layers))
        make_optimizer = optimizer or (lambda params: SGD(params, 0.05, 0.9))
        return model, (loss or MSELoss)(), make_optimizer(model.param())

    return make


def linear(fan_in: int = 3, fan_out: int = 3, bias: bool = True) -> Callable[[], Linear]:
    return lambda: Linear(fan_in, fan_out, bias, generator=generator(fan_in + 10 * fan_out))


def shared() -> Setup:
    layer = linear()()
    model = Sequential(layer, Tanh(), layer)
    return model, MSELoss(), SGD(model.param(), 0.05, 0.9)


def frozen_layer() -> Setup:
    model = Sequential(linear()(), BatchNorm1d(3), linear()())
    model[:2].freeze()
    return model, MSELoss(), SGD(model.param(), 0.05, 0.9)


def tied() -> Setup:
    model = Tied()
    return model, MSELoss(), SGD([model[0].weight], 0.05)  # type: ignore[attr-defined]


REPORT = [
    linear(3, 25), ReLU, linear(25, 25, False), ReLU, linear(25, 25, False), ReLU, linear(25, 3),
]  # fmt: skip
SETUPS: dict[str, Callable[[], Setup]] = {
    "report": chain(*REPORT),
    "no momentum": chain(linear(), Sigmoid, linear(), optimizer=lambda p: SGD(p, 0.1)),
    "Adam": chain(linear(), Tanh, linear(), optimizer=lambda p: Adam(p, lr=0.01)),
    "AdamW": chain(linear(), Tanh, linear(), optimizer=lambda p: AdamW(p, lr=0.01)),
    "clipped": chain(
        linear(), optimizer=lambda p: ClipNorm(p, lambda q: SGD(q, 0.1, 0.9), max_norm=0.1)
    ),
    "batch norm": chain(linear(), lambda: BatchNorm1d(3), ReLU, linear()),
    "layer norm": chain(linear(), lambda: LayerNorm(3), GELU, linear()),
    "dropout": chain(linear(), lambda: Dropout(0.5, generator=generator(3)), linear()),
    "shared": shared,
    "tied by a view": tied,
    "numbers in attributes": chain(linear(), Doubled),
    "a module global": chain(linear(), Global),
    "a Python counter": chain(linear(), Counting, linear()),
    "a gradient through a view": chain(linear(), ThroughView),
    "a size that depends on data": chain(linear(), loss=Masked),
    "a loss that inherits nothing": chain(linear(), loss=PlainLoss),
    "new gradients": chain(linear(), linear(), optimizer=lambda p: FreshGradients(p, 0.05, 0.9)),
    "a counter in the optimizer": chain(linear(), optimizer=CountingSteps),
    "classes": chain(linear(), Tanh, linear(), loss=CrossEntropyLoss),
    "whole-number inputs": chain(lambda: Embedding(5, 3, generator=generator(2)), linear()),
    "a list of layers": chain(Listed, linear()),
    "functions of torch.nn": chain(linear(), Functional, linear()),
    "a loss with a buffer": chain(linear(), linear(), loss=Scaling),
    "a decision by the data": chain(linear(), Looking, linear()),
    "float64": chain(lambda: Linear(3, 3, generator=generator(), dtype=torch.float64)),
    "a recurrent network": chain(
        lambda: GRU(3, 4, batch_first=True, generator=generator()),
        lambda: Select(0),
        linear(4, 3),
    ),
    "attention": chain(
        lambda: TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True, generator=generator()),
        linear(4, 3),
    ),
    "group norm": chain(linear(3, 4), lambda: GroupNorm(2, 4), linear(4, 3)),
    "a residual block": chain(linear(), lambda: Residual(Sequential(linear()(), Tanh())), linear()),
    "an average of the weights": chain(
        linear(), optimizer=lambda p: Averaged(p, lambda q: SGD(q, 0.1), decay=0.9)
    ),
    "gradients accumulated": chain(
        linear(), optimizer=lambda p: Accumulate(p, lambda q: SGD(q, 0.1, 0.9), batches=3)
    ),
    "a frozen layer": frozen_layer,
    "an empty gradient": chain(linear(), Tanh, linear(), optimizer=lambda p: SGD(p[:2], 0.1)),
    "convolution": chain(
        lambda: Conv2d(1, 2, 3, generator=generator(4)), ReLU, Flatten, linear(2 * 4 * 4, 3)
    ),
}


def batch_of(name: str, step: int) -> tuple[Tensor, Tensor]:
    """The batch of one step; numbers differ from step to step, shapes do not."""
    target = rows(seed=1000 + step)
    if name == "classes":
        return rows(seed=step), target.argmax(1)
    if name == "whole-number inputs":
        return torch.randint(5, (8,), generator=generator(step)), target
    if name == "float64":
        return rows(seed=step).double(), target.double()
    if name in ("a recurrent network", "attention"):
        features = 3 if name == "a recurrent network" else 4
        x = torch.randn(8, 5, features, generator=generator(step))
        return x, x[..., :3].cumsum(1)
    if name == "convolution":
        return torch.randn(8, 1, 6, 6, generator=generator(step)), target
    return rows(seed=step), target
