"""Layers that are right, plain and unusual: no check may fail on them."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from minidl_core import BaseModule, Example, Module, Parameter, ShapeError, StateError


def normal(shape, generator, dtype=None):
    return Parameter(torch.randn(shape, generator=generator, dtype=dtype))


class Dense(BaseModule):
    """Y = X Wᵀ + b, with or without b."""

    def __init__(self, inputs, outputs, bias=True, *, generator=None):
        self.weight = normal((outputs, inputs), generator)
        self.bias = Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x):
        self.push(x)
        y = x @ self.weight.value.mT
        return y if self.bias is None else y + self.bias.value

    def backward(self, grad_output):
        x = self.pop()
        self.weight.grad += grad_output.mT @ x
        if self.bias is not None:
            self.bias.grad += grad_output.sum(0)
        return grad_output @ self.weight.value

    @classmethod
    def examples(cls):
        return [
            Example({"inputs": 3, "outputs": 2}, shapes=[(4, 3)]),
            Example({"inputs": 2, "outputs": 2, "bias": False}, shapes=[(3, 2)]),
        ]


class Bilinear(BaseModule):
    """Two inputs: yₙ = Σᵢⱼ aₙᵢ Wᵢⱼ bₙⱼ."""

    def __init__(self, left, right, *, generator=None, dtype=None):
        self.weight = normal((left, right), generator, dtype)

    def forward(self, a, b):
        self.push((a, b))
        return ((a @ self.weight.value) * b).sum(-1)

    def backward(self, grad_output):
        a, b = self.pop()
        dy = grad_output.unsqueeze(-1)
        self.weight.grad += (dy * a).mT @ b
        return dy * (b @ self.weight.value.mT), dy * (a @ self.weight.value)

    @classmethod
    def examples(cls):
        return [Example({"left": 3, "right": 2}, shapes=[(4, 3), (4, 2)])]


class Product(BaseModule):
    """Two inputs, no parameters, and built without arguments: it declares nothing."""

    def forward(self, a, b):
        self.push((a, b))
        return a * b

    def backward(self, grad_output):
        a, b = self.pop()
        return grad_output * b, grad_output * a


class SinCos(BaseModule):
    """Two outputs: (sin x, cos x), whose gradients come back as two."""

    def forward(self, x):
        self.push(x)
        return x.sin(), x.cos()

    def backward(self, dsin, dcos):
        x = self.pop()
        return dsin * x.cos() - dcos * x.sin()


class Abs(BaseModule):
    """A kink at 0."""

    def forward(self, x):
        self.push(x)
        return x.abs()

    def backward(self, grad_output):
        return grad_output * self.pop().sign()


class HardTanh(BaseModule):
    """Kinks at −1 and 1."""

    def forward(self, x):
        self.push(x)
        return x.clamp(-1, 1)

    def backward(self, grad_output):
        return grad_output.masked_fill(self.pop().abs() >= 1, 0)


class RowMax(BaseModule):
    """The largest of each row: a kink wherever two are equal."""

    def forward(self, x):
        y, place = x.max(-1)
        self.push((x, place))
        return y

    def backward(self, grad_output):
        x, place = self.pop()
        dx = torch.zeros_like(x)
        return dx.scatter(-1, place.unsqueeze(-1), grad_output.unsqueeze(-1))


class PReLU(BaseModule):
    """max(x, 0) + a min(x, 0) with one learned a: a kink, and a parameter of one element."""

    def __init__(self, slope=0.25):
        self.slope = Parameter(torch.tensor(slope))

    def forward(self, x):
        self.push(x)
        return torch.where(x > 0, x, self.slope.value * x)

    def backward(self, grad_output):
        x = self.pop()
        self.slope.grad += (grad_output * x.clamp(max=0)).sum()
        return torch.where(x > 0, grad_output, self.slope.value * grad_output)


class Swish(BaseModule):
    """x σ(x)."""

    def forward(self, x):
        self.push(x)
        return x * x.sigmoid()

    def backward(self, grad_output):
        x = self.pop()
        s = x.sigmoid()
        return grad_output * (s + x * s * (1 - s))


class Softmax(BaseModule):
    """Each row sums to one: dX = Y ∘ (dY − Σ dY ∘ Y)."""

    def forward(self, x):
        y = x.softmax(-1)
        self.push(y)
        return y

    def backward(self, grad_output):
        y = self.pop()
        return y * (grad_output - (grad_output * y).sum(-1, keepdim=True))


class LogDomain(BaseModule):
    """Log x, for positive inputs only."""

    def forward(self, x):
        self.push(x)
        return x.log()

    def backward(self, grad_output):
        return grad_output / self.pop()

    @classmethod
    def examples(cls):
        return [Example(shapes=[(3, 4)], low=0.1, high=3)]


class LayerNorm(BaseModule):
    """y = g x̂ + b with x̂ = (x − mean) / √(var + ε), over the features of each row."""

    def __init__(self, features, eps=1e-5):
        self.gain = Parameter(torch.ones(features))
        self.bias = Parameter(torch.zeros(features))
        self.eps = eps

    def forward(self, x):
        scale = (x.var(-1, correction=0, keepdim=True) + self.eps).rsqrt()
        normed = (x - x.mean(-1, keepdim=True)) * scale
        self.push((normed, scale))
        return self.gain.value * normed + self.bias.value

    def backward(self, grad_output):
        normed, scale = self.pop()
        self.gain.grad += (grad_output * normed).flatten(0, -2).sum(0)
        self.bias.grad += grad_output.flatten(0, -2).sum(0)
        d = grad_output * self.gain.value
        return scale * (d - d.mean(-1, keepdim=True) - normed * (d * normed).mean(-1, keepdim=True))

    @classmethod
    def examples(cls):
        return [Example({"features": 4}, shapes=[s]) for s in [(3, 4), (2, 3, 4)]]


class BatchNorm(BaseModule):
    """Normalised over the batch in training, by running statistics in evaluation."""

    def __init__(self, features):
        self.gain = Parameter(torch.ones(features))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("var", torch.ones(features))

    def forward(self, x):
        if x.shape[0] < 2 and self.training:
            raise ShapeError("expected at least two rows to normalise over", where=self)
        batch = (x.mean(0), x.var(0, correction=0)) if self.training else None
        mean, var = batch or (self.mean, self.var)
        scale = (var + 1e-5).rsqrt()
        normed = (x - mean) * scale
        self.push((normed, scale, batch))
        return self.gain.value * normed

    def backward(self, grad_output):
        normed, scale, batch = self.pop()
        self.gain.grad += (grad_output * normed).sum(0)
        d = grad_output * self.gain.value
        if batch is None:
            return scale * d
        for running, new in zip((self.mean, self.var), batch, strict=True):
            running.lerp_(new, 0.1)
        return scale * (d - d.mean(0) - normed * (d * normed).mean(0))

    @classmethod
    def examples(cls):
        return [Example({"features": 3}, shapes=[(5, 3)])]


class Dropout(BaseModule):
    """Drops a share p, and divides the rest by 1 − p."""

    def __init__(self, p=0.5, *, generator=None):
        self.p = p
        self.generator = generator

    def forward(self, x):
        if not self.training:
            self.push(torch.ones_like(x))
            return x
        keep = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)
        mask = keep / (1 - self.p)
        self.push(mask)
        return x * mask

    def backward(self, grad_output):
        return grad_output * self.pop()

    @classmethod
    def examples(cls):
        return [Example({"p": p}, shapes=[(3, 4)]) for p in (0.1, 0.5, 0.9)]


class GaussianNoise(BaseModule):
    """x + σ ε, with a learned σ."""

    def __init__(self, *, generator=None):
        self.sigma = Parameter(torch.tensor(0.3))
        self.generator = generator

    def forward(self, x):
        if not self.training:
            self.push(torch.zeros_like(x))
            return x
        noise = torch.empty_like(x).normal_(generator=self.generator)
        self.push(noise)
        return x + self.sigma.value * noise

    def backward(self, grad_output):
        self.sigma.grad += (grad_output * self.pop()).sum()
        return grad_output


class Residual(BaseModule):
    """x + s f(x) with a module f inside and a learned s that starts at zero."""

    def __init__(self, inner: Module):
        self.inner = inner
        self.scale = Parameter(torch.zeros(()))

    def forward(self, x):
        y = self.inner.forward(x)
        self.push(y)
        return x + self.scale.value * y

    def backward(self, grad_output):
        self.scale.grad += (grad_output * self.pop()).sum()
        return grad_output + self.inner.backward(self.scale.value * grad_output)

    @classmethod
    def examples(cls):
        return [
            Example(make=lambda generator: cls(Dense(3, 3, generator=generator)), shapes=[(4, 3)]),
            Example(make=lambda: cls(Swish()), shapes=[(2, 5)]),
            Example(make=lambda: cls(cls(Abs())), shapes=[(2, 3)]),
        ]


class Embedding(BaseModule):
    """Rows of a table by whole numbers, which have no gradient."""

    def __init__(self, rows, features, *, generator=None, dtype=None, device=None):
        self.weight = Parameter(
            torch.randn(rows, features, generator=generator, dtype=dtype, device=device)
        )

    def forward(self, index):
        self.push(index)
        return self.weight.value[index]

    def backward(self, grad_output):
        index = self.pop()
        self.weight.grad.index_put_((index,), grad_output, accumulate=True)

    @classmethod
    def examples(cls):
        def draw(generator, shape):
            return (torch.randint(5, shape, generator=generator),)

        return [Example({"rows": 5, "features": 3}, shapes=[(6,)], draw=draw)]


class Scale(BaseModule):
    """Y = X ∘ s, one factor for each feature; any dimensions in front."""

    def __init__(self, features):
        self.factor = Parameter(torch.ones(features))

    def forward(self, x):
        self.push(x)
        return x * self.factor.value

    def backward(self, grad_output):
        x = self.pop()
        self.factor.grad += (grad_output * x).reshape(-1, x.shape[-1]).sum(0)
        return grad_output * self.factor.value

    @classmethod
    def examples(cls):
        return [
            Example({"features": 2}, shapes=[(3, 2)]),
            Example({"features": 3}, shapes=[(2, 4, 3)], batch_axis=-2),
        ]


class Flatten(BaseModule):
    """(n, a, b) to (n, a b)."""

    def forward(self, x):
        self.push(x.shape)
        return x.reshape(x.shape[0], x.shape[1:].numel())

    def backward(self, grad_output):
        return grad_output.reshape(self.pop())

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 2, 3)])]


class Round(BaseModule):
    """A straight-through estimator: rounds, and hands the gradient on as if it did not."""

    conformance_exceptions: ClassVar = {
        "input_gradient": "straight-through: the derivative of rounding is zero almost everywhere",
    }

    def forward(self, x):
        self.push(None)
        return x.round()

    def backward(self, grad_output):
        self.pop()
        return grad_output


class Duck:
    """A module that inherits nothing, and lists a plain pair made anew at each call."""

    def __init__(self):
        self.training = True
        self.value, self.grad = torch.ones(3), torch.zeros(3)
        self.kept = []

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.kept.append(x)
        return x * self.value

    def backward(self, grad_output: Tensor) -> Tensor:
        if not self.kept:
            raise StateError("backward without a forward in training mode", where=self)
        x = self.kept.pop()
        self.grad += (grad_output * x).sum(0)
        return grad_output * self.value

    def param(self):
        return [(self.value, self.grad)]

    def info(self):
        print("Duck")

    def train(self):
        self.training = True

    def eval(self):
        self.training = False
        self.kept.clear()

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3)])]
