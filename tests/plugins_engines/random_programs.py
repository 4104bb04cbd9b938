"""Random traceable layers: what they compute means nothing, only that every engine does the same.

``backward`` is no derivative of ``forward``. Both are drawn from one table of operations, so that
views, in-place operations, several results, slices, masks, random numbers, buffers and keyword
arguments meet in every order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import BaseModule, Parameter, Sequential
from minidl_plugins_basic import SGD, Linear, MSELoss
from minidl_plugins_nn import Adam, AdamW, ClipNorm, RMSprop

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Operation = Callable[["RandomLayer", Tensor, Tensor], Tensor]

__all__ = ["OPERATIONS", "RandomLayer", "random_setup"]


def _doubled_in_place(_: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    y = x.clone()
    y.mul_(0.5).add_(other, alpha=0.25)
    y[:, :1] = x[:, -1:]
    return y


def _in_place_through_a_view(_: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    y = (x + 1.0).contiguous()
    y.mT.mul_(0.5)
    y.view(-1)[::2].sub_(0.125)
    return y + other


def _split_and_joined(_: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    first, second = x.split([1, x.shape[1] - 1], dim=1)
    return torch.cat([second, first * other[:, :1]], 1)


def _chunks(_: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    parts = torch.unbind(x, 1)
    return torch.stack([parts[-1] - other[:, 0], *parts[1:]], dim=1)


def _sorted(_: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    values, places = x.sort(dim=1)
    return values + other.gather(1, places)


def _moments(_: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    deviation, mean = torch.std_mean(x, dim=0, keepdim=True)
    return (x - mean) / (deviation + 0.1) + 0.1 * other


def _layer_norm(_: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    normal, mean, _scale = torch.native_layer_norm(x, [x.shape[1]], None, None, 1e-5)
    return normal + mean * other


def _largest(_: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    top, place = x.max(dim=1, keepdim=True)
    return x.scatter(1, place, top * 0.5) + other.amin(1, keepdim=True)


def _masked(_: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    return torch.where(x > other, x, 0.5 * other).masked_fill(x.abs() < 0.1, 0.2)


def _noise(layer: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    drawn = torch.empty_like(x).uniform_(**{"from": 0.9, "to": 1.1}, generator=layer.generator)
    return x * drawn + other * 0.1


def _dropped(layer: RandomLayer, x: Tensor, _: Tensor) -> Tensor:
    return x * torch.bernoulli(torch.full_like(x, 0.75), generator=layer.generator)


def _product(layer: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    return (x @ layer.weight.value.mT + layer.bias.value) * 0.5 + other * 0.1


def _addmm(layer: RandomLayer, x: Tensor, _: Tensor) -> Tensor:
    return torch.addmm(layer.bias.value, x, layer.weight.value, beta=0.5, alpha=0.25)


def _outer(_: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    return torch.einsum("ni,nj->nij", x, other).sum(2) / x.shape[1]


def _by_index(layer: RandomLayer, x: Tensor, other: Tensor) -> Tensor:
    return x.index_select(1, layer.order) + other[:, layer.order]


def _of_buffer(layer: RandomLayer, x: Tensor, _: Tensor) -> Tensor:
    return x - layer.mean


OPERATIONS: dict[str, Operation] = {
    "relu": lambda _, x, y: x.relu() + 0.5 * y,
    "tanh": lambda _, x, y: (x * y).tanh(),
    "sigmoid": lambda _, x, y: x.sigmoid() - y.exp().clamp(max=2.0),
    "roots": lambda _, x, y: x.abs().sqrt() * y.sign(),
    "powers": lambda _, x, y: x.clamp(-2, 2).pow(3) - y.square(),
    "logarithms": lambda _, x, y: x.abs().add(1).log() + torch.log1p(y.abs()),
    "division": lambda _, x, y: x / (1.0 + y.abs()) + 1.0 / (2.0 + x * x),
    "extremes": lambda _, x, y: torch.maximum(x, y) - torch.minimum(x, -y),
    "running": lambda _, x, y: x.cumsum(1) * 0.5 + y.flip(1),
    "rolled": lambda _, x, y: x.roll(1, 0) + y.roll(2, 1),
    "centred": lambda _, x, y: x - x.mean(0) + y.sum(1, keepdim=True) * 0.1,
    "softmax": lambda _, x, y: x.softmax(1) - y.log_softmax(1).exp(),
    "transposed": lambda _, x, y: (x.mT.contiguous() * 2.0).mT + y,
    "expanded": lambda _, x, y: x[:, :1].expand_as(x) - y[:1].expand_as(y),
    "reshaped": lambda _, x, y: x.reshape(-1).reshape(y.shape) + y.unsqueeze(0).squeeze(0),
    "padded": lambda _, x, y: torch.nn.functional.pad(x, (1, 1))[:, 1:-1] * y,
    "lerped": lambda _, x, y: torch.lerp(x, y, 0.3).addcmul(x, y, value=0.1),
    "clamped": lambda _, x, y: x.clamp(min=-0.5, max=0.5) + torch.clip(y, -1, 1),
    "whole numbers": lambda _, x, y: x.round().to(torch.int64).remainder(3).to(x.dtype) + y,
    "in place": _doubled_in_place,
    "in place through a view": _in_place_through_a_view,
    "split": _split_and_joined,
    "unbound": _chunks,
    "sorted": _sorted,
    "moments": _moments,
    "layer norm": _layer_norm,
    "largest": _largest,
    "masked": _masked,
    "noise": _noise,
    "dropped": _dropped,
    "product": _product,
    "addmm": _addmm,
    "outer": _outer,
    "by index": _by_index,
    "buffer": _of_buffer,
}
WAYS = ("add", "add a view", "add a sum twice", "overwrite")


class RandomLayer(BaseModule):
    """(n, f) -> (n, f) by the named operations, each on the last result and an earlier one."""

    traceable = True

    def __init__(self, width: int, program: tuple[Any, ...], way: str, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.weight = Parameter(torch.randn(width, width, generator=self.generator) * 0.3)
        self.bias = Parameter(torch.randn(width, generator=self.generator) * 0.1)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("order", torch.randperm(width, generator=self.generator))
        self.program = program
        self.way = way

    def forward(self, x: Tensor) -> Tensor:
        y = self.run(self.program[0], x)
        self.push((x, y))
        return y

    def backward(self, grad_output: Tensor) -> Tensor:
        x, y = self.pop()
        dx = self.run(self.program[1], grad_output + 0.1 * x)
        dw, db = dx.mT @ y, dx.sum(0)
        if self.way == "add a view":
            self.weight.grad.mT.add_(dw.mT)
            self.bias.grad.view(1, -1).add_(db)
        elif self.way == "add a sum twice":
            self.weight.grad += dw + dw
            self.weight.grad += dw
            self.bias.grad.add_(db, alpha=0.5)
        elif self.way == "overwrite":  # wrong, and the same in every engine
            self.weight.grad.copy_(dw)
            self.bias.grad[:] = db
        else:
            self.weight.grad.addmm_(dx.mT, y)
            self.bias.grad += db
        self.mean.mul_(0.9).add_(y.mean(0), alpha=0.1)
        return dx

    def run(self, steps: tuple[tuple[str, int], ...], x: Tensor) -> Tensor:
        results = [x]
        for name, back in steps:
            other = results[max(0, len(results) - 1 - back)]
            results.append(getattr(self, name)(results[-1], other).clamp(-4.0, 4.0))
        return results[-1]


for _name, _operation in OPERATIONS.items():  # as methods, which are known to stay what they are
    setattr(RandomLayer, _name, _operation)

OPTIMIZERS: list[Callable[[Any], Any]] = [
    lambda p: SGD(p, 0.01),
    lambda p: SGD(p, 0.01, 0.9),
    lambda p: Adam(p, lr=0.01),
    lambda p: AdamW(p, lr=0.01, weight_decay=0.1),
    lambda p: RMSprop(p, lr=0.01, momentum=0.5),
    lambda p: ClipNorm(p, lambda q: SGD(q, 0.05, 0.9), max_norm=0.5),
]


def random_setup(seed: int) -> tuple[Any, Any, Any]:
    """A model of random layers, (n, 3) -> (n, 3), with a loss and an optimizer."""
    generator = torch.Generator().manual_seed(seed)

    def draw(n: int) -> int:
        return int(torch.randint(n, (), generator=generator))

    def program() -> tuple[tuple[str, int], ...]:
        names = list(OPERATIONS)
        return tuple((names[draw(len(names))], draw(3)) for _ in range(1 + draw(5)))

    width = 2 + draw(4)
    layers: list[Any] = [
        Linear(3, width, generator=generator),
        *(
            RandomLayer(width, (program(), program()), WAYS[draw(len(WAYS))], 1000 + seed)
            for _ in range(1 + draw(3))
        ),
    ]
    if draw(3) == 0:
        layers.append(layers[-1])  # the same layer once more
    if draw(4) == 0 and len(layers) > 2:
        layers[1].weight = layers[-1].weight  # tied
    layers.append(Linear(width, 3, generator=generator))
    model = Sequential(*layers)
    return model, MSELoss(), OPTIMIZERS[draw(len(OPTIMIZERS))](model.param())
