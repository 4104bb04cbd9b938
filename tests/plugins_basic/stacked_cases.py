"""Modules of strangers, each written for one model, and how a stack is compared with its models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from minidl_core import BaseModule, BaseOptimizer, Parameter, Sequential, train
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, Sigmoid, Tanh, stack, unstack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

FLOAT = torch.float64


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=seeded(seed), dtype=FLOAT)


def linear(seed: int, *args: Any) -> Linear:
    return Linear(*args, generator=seeded(seed), dtype=FLOAT)


class Convolution(BaseModule):
    """Y = W * X, of (n, c, h, w)."""

    def __init__(self, seed: int, channels: int, out: int) -> None:
        self.weight = Parameter(0.3 * draw(seed, out, channels, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        self.push(x)
        return functional.conv2d(x, self.weight.value, padding=1)

    def backward(self, dy: Tensor) -> Tensor:
        x = self.pop()
        w = self.weight.value
        self.weight.grad += torch.nn.grad.conv2d_weight(x, w.shape, dy, padding=1)
        return torch.nn.grad.conv2d_input(x.shape, w, dy, padding=1)


class BatchNorm(BaseModule):
    """y = γ (x − mean) / std + β over the batch, with running statistics."""

    def __init__(self, seed: int, features: int, *, in_place: bool) -> None:
        self.weight = Parameter(1 + 0.1 * draw(seed, features))
        self.bias = Parameter(0.1 * draw(seed + 1, features))
        self.in_place = in_place
        self.register_buffer("running_mean", 0.1 * draw(seed + 2, features))
        self.register_buffer("running_var", torch.ones(features, dtype=FLOAT))
        self.register_buffer("batches", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            std = (self.running_var + 1e-5).sqrt()
            return (x - self.running_mean) / std * self.weight.value + self.bias.value
        mean, var = x.mean(0), x.var(0, correction=0)
        normed = (x - mean) / (var + 1e-5).sqrt()
        self.push((normed, mean, var, len(x)))
        return normed * self.weight.value + self.bias.value

    def backward(self, dy: Tensor) -> Tensor:
        normed, mean, var, n = self.pop()
        if self.in_place:
            self.running_mean.mul_(0.9).add_(0.1 * mean)
            self.batches += 1
        else:
            self.running_mean = 0.9 * self.running_mean + 0.1 * mean
            self.batches = self.batches + 1
        self.running_var = 0.9 * self.running_var + 0.1 * var * n / (n - 1)
        self.weight.grad += (dy * normed).sum(0)
        self.bias.grad += dy.sum(0)
        dn = dy * self.weight.value
        return (dn - dn.mean(0) - normed * (dn * normed).mean(0)) / (var + 1e-5).sqrt()


class LayerNorm(BaseModule):
    def __init__(self, seed: int, features: int) -> None:
        self.weight = Parameter(1 + 0.1 * draw(seed, features))

    def forward(self, x: Tensor) -> Tensor:
        var = x.var(-1, correction=0, keepdim=True)
        normed = (x - x.mean(-1, keepdim=True)) / (var + 1e-5).sqrt()
        self.push({"normed": normed, "var": var})
        return normed * self.weight.value

    def backward(self, dy: Tensor) -> Tensor:
        kept = self.pop()
        normed = kept["normed"]
        self.weight.grad = self.weight.grad + (dy * normed).flatten(0, -2).sum(0)
        dn = dy * self.weight.value
        inner = dn - dn.mean(-1, keepdim=True) - normed * (dn * normed).mean(-1, keepdim=True)
        return inner / (kept["var"] + 1e-5).sqrt()


class Embedding(BaseModule):
    def __init__(self, seed: int, count: int, features: int) -> None:
        self.weight = Parameter(draw(seed, count, features))

    def forward(self, indices: Tensor) -> Tensor:
        self.push(indices)
        return self.weight.value[indices]

    def backward(self, dy: Tensor) -> None:
        indices = self.pop().flatten()
        self.weight.grad.index_add_(0, indices, dy.flatten(0, -2))


class Attention(BaseModule):
    """Causal attention with one head, over (n, time, features)."""

    def __init__(self, seed: int, features: int) -> None:
        self.query, self.key, self.value = (linear(seed + i, features, features) for i in range(3))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (layer.forward(x) for layer in (self.query, self.key, self.value))
        scores = q @ k.mT / x.shape[-1] ** 0.5
        future = torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool).triu(1)
        a = scores.masked_fill(future, float("-inf")).softmax(-1)
        self.push((q, k, v, a))
        return a @ v

    def backward(self, dy: Tensor) -> Tensor:
        q, k, v, a = self.pop()
        da = dy @ v.mT
        ds = a * (da - (da * a).sum(-1, keepdim=True)) / q.shape[-1] ** 0.5
        return (
            self.query.backward(ds @ k)
            + self.key.backward(ds.mT @ q)
            + self.value.backward(a.mT @ dy)
        )


class Flatten(BaseModule):
    def forward(self, x: Tensor) -> Tensor:
        self.push(x.shape)
        return x.flatten(1)

    def backward(self, dy: Tensor) -> Tensor:
        return dy.reshape(self.pop())


class Feedback(BaseModule):
    """A hidden layer whose error comes back through a fixed random matrix."""

    def __init__(self, seed: int, *, registered: bool) -> None:
        self.layer = linear(seed, 3, 4)
        if registered:
            self.register_buffer("feedback", draw(seed + 9, 4, 3))
        else:
            self.feedback = draw(seed + 9, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer.forward(x)

    def backward(self, dy: Tensor) -> Tensor:
        self.layer.backward(dy)
        return dy @ self.feedback


class Bare:
    """y = w x, by the methods alone: it inherits nothing, and keeps its input in an attribute."""

    def __init__(self, seed: int) -> None:
        self.w = Parameter(draw(seed, 3))
        self.training = True
        self.kept: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.kept.append(x)
        return self.w.value * x

    def backward(self, dy: Tensor) -> Tensor:
        self.w.grad += (dy * self.kept.pop()).sum(0)
        return dy * self.w.value

    def param(self) -> list[Parameter]:
        return [self.w]

    def info(self) -> None: ...

    def train(self) -> None:
        self.training = True

    def eval(self) -> None:
        self.training = False
        self.kept.clear()


class Peeking(BaseModule):
    """y = 2x if the first element is positive, else x: it looks at an element."""

    def __init__(self) -> None:
        self.looked = 0

    def forward(self, x: Tensor) -> Tensor:
        factor = 2.0 if x.flatten()[0].item() > 0 else 1.0
        self.push(factor)
        return factor * x

    def backward(self, dy: Tensor) -> Tensor:
        self.looked += 1
        return self.pop() * dy


class Clipped(BaseOptimizer):
    """The step of another optimizer, with gradients of a norm of at most `most` over them all."""

    def __init__(self, params: Any, most: float, make: Callable[..., Any]) -> None:
        super().__init__(params)
        self.most, self.inner = most, make(self.params)

    def step(self) -> None:
        norm = torch.stack([p.grad.square().sum() for p in self.params]).sum().sqrt()
        scale = (self.most / norm).clamp(max=1.0)
        for p in self.params:
            p.grad *= scale
        self.inner.step()

    def state_dict(self) -> dict[str, Any]:
        return {"inner": self.inner.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.inner.load_state_dict(state["inner"])


class Decayed(BaseOptimizer):
    """p ← p − lr (g + λ p) for parameters that decay; its averages are made at the first step."""

    def __init__(self, params: Any, lr: float, decay: float) -> None:
        super().__init__(params)
        self.lr, self.decay, self.steps = lr, decay, 0
        self.average: list[Tensor] | None = None

    def step(self) -> None:
        if self.average is None:
            self.average = [torch.zeros_like(p.value) for p in self.params]
        self.steps += 1
        for i, p in enumerate(self.params):
            g = p.grad + self.decay * p.value if p.decays else p.grad
            self.average[i] = 0.5 * self.average[i] + g
            p.value -= self.lr * self.average[i] / (1 - 0.5**self.steps)

    def state_dict(self) -> dict[str, Any]:
        average = [a.clone() for a in self.average] if self.average is not None else None
        return {"lr": self.lr, "decay": self.decay, "steps": self.steps, "average": average}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.lr, self.decay, self.steps = state["lr"], state["decay"], state["steps"]
        average = state["average"]
        self.average = [a.clone() for a in average] if average is not None else None


def small_bias(seed: int) -> Sequential:
    model = Sequential(linear(seed, 3, 4), Tanh(), linear(seed + 50, 4, 2))
    for name, parameter in model.named_param():
        parameter.decays = not name.endswith("bias")
    return model


def shared_weight(seed: int) -> Sequential:
    first, second = linear(seed, 3, 3), linear(seed + 50, 3, 3)
    second.weight = first.weight
    return Sequential(first, Tanh(), second)


def layer_twice(seed: int) -> Sequential:
    layer = linear(seed, 3, 3)
    return Sequential(layer, Sequential(Tanh(), layer))


MODELS: dict[str, tuple[Callable[[int], Any], tuple[int, ...]]] = {
    "linear": (lambda seed: linear(seed, 3, 2), (5, 3)),
    "linear-of-time": (lambda seed: Sequential(linear(seed, 3, 2, False), Sigmoid()), (5, 4, 3)),
    "network": (lambda s: Sequential(linear(s, 3, 4), ReLU(), linear(s + 9, 4, 2)), (5, 3)),
    "decays": (small_bias, (5, 3)),
    "shared-weight": (shared_weight, (5, 3)),
    "layer-twice": (layer_twice, (5, 3)),
    "convolution": (
        lambda s: Sequential(Convolution(s, 2, 3), Tanh(), Flatten(), linear(s, 48, 2)),
        (5, 2, 4, 4),
    ),
    "batch-norm": (
        lambda s: Sequential(linear(s, 3, 4), BatchNorm(s, 4, in_place=True), linear(s, 4, 2)),
        (5, 3),
    ),
    "batch-norm-by-assignment": (
        lambda s: Sequential(linear(s, 3, 4), BatchNorm(s, 4, in_place=False)),
        (5, 3),
    ),
    "layer-norm": (lambda s: Sequential(linear(s, 3, 4), LayerNorm(s, 4)), (5, 3)),
    "attention": (lambda s: Sequential(linear(s, 3, 4), Attention(s, 4)), (5, 6, 3)),
    "feedback": (lambda s: Sequential(linear(s, 3, 3), Feedback(s, registered=True)), (5, 3)),
    "bare": (lambda s: Sequential(Bare(s), linear(s, 3, 2)), (5, 3)),
    "peeking": (lambda s: Sequential(linear(s, 3, 3), Peeking()), (5, 3)),
}

OPTIMIZERS: dict[str, Callable[[Any, int], Any]] = {
    "sgd": lambda params, k: SGD(params, 0.05),
    "momentum": lambda params, k: SGD(params, 0.05, 0.9),
    "sweep-of-rates": lambda params, k: SGD(params, 0.02 * (k + 1)),
    "sweep-of-momentum": lambda params, k: SGD(params, 0.05, [0.0, 0.5, 0.9][k]),
    "clipped": lambda params, k: Clipped(params, 0.05, lambda p: SGD(p, 0.5)),
    "sweep-of-clipping": lambda params, k: Clipped(params, 0.05 + k, lambda p: SGD(p, 0.1, 0.9)),
    "sweep-of-momentum-inside": lambda params, k: Clipped(
        params, 1.0, lambda p: SGD(p, 0.1, 0.5 * k)
    ),
    "decayed": lambda params, k: Decayed(params, 0.05, 0.1),
    "sweep-of-decay": lambda params, k: Decayed(params, 0.05, 0.1 * k),
}


def compare(
    build: Callable[[int], Any], optimizer: Callable[[Any, int], Any], xs: Any, loss: Any = None
) -> Any:
    """Train K models as a stack and alone on `xs`, (steps, K, …); return the stack.

    Losses, values, gradients and buffers agree to rounding.
    """
    size, loss = xs.shape[1], loss or MSELoss()
    models = [build(10 * k) for k in range(size)]
    stacked = stack(models)
    steps = stack([optimizer(model.param(), k) for k, model in enumerate(models)])
    stacked.eval()
    shape = stacked.forward(xs[0]).shape
    targets = [draw(100 + number, *shape) for number in range(len(xs))]
    losses = [s.loss for s in train(stacked, loss, steps, zip(xs, targets, strict=True))]
    for k, model in enumerate(models):
        batches = [(x[k], target[k]) for x, target in zip(xs, targets, strict=True)]
        for step in train(model, loss, optimizer(model.param(), k), batches):
            close(losses[step.number][k], step.loss)
    for ours, theirs in zip(unstack(stacked), models, strict=True):
        same(ours, theirs)
    return stacked, steps


def same(ours: Any, theirs: Any) -> None:
    for (value, grad), (expected, expected_grad) in zip(ours.param(), theirs.param(), strict=True):
        close(value, expected)
        close(grad, expected_grad)
    buffers: list[Iterable[Any]] = [
        model.named_buffers() if hasattr(model, "named_buffers") else () for model in (ours, theirs)
    ]
    for (name, buffer), (expected_name, expected) in zip(*buffers, strict=True):
        assert name == expected_name
        close(buffer, expected)


def close(got: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)
