"""Layers with buffers, containers and modes of their own that are right."""

from __future__ import annotations

import torch
from torch.nn import functional

from minidl_core import BaseModule, Example, Parameter, ShapeError

from .right_layers import Dense


class RunningNorm(BaseModule):
    """Batch normalisation with torch's names, and torch's class as its reference."""

    traceable = True

    def __init__(self, num_features, eps=1e-5, momentum=0.1, *, dtype=None):
        self.eps, self.momentum = eps, momentum
        self.weight = Parameter(torch.ones(num_features, dtype=dtype))
        self.bias = Parameter(torch.zeros(num_features, dtype=dtype))
        self.register_buffer("running_mean", torch.zeros(num_features, dtype=dtype))
        self.register_buffer("running_var", torch.ones(num_features, dtype=dtype))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def statistics(self, x):
        """Mean and biased variance; of the batch, or of evaluation."""
        if not self.training:
            return self.running_mean, self.running_var
        if len(x) < 2:
            raise ShapeError("expected at least two rows to normalise over", where=self)
        return x.mean(0), x.var(0, correction=0)

    def forward(self, x):
        mean, var = self.statistics(x)
        scale = (var + self.eps).rsqrt()
        normed = (x - mean) * scale
        self.push((normed, scale, (mean, var) if self.training else None))
        return self.weight.value * normed + self.bias.value

    def backward(self, grad_output):
        normed, scale, batch = self.pop()
        self.weight.grad += (grad_output * normed).sum(0)
        self.bias.grad += grad_output.sum(0)
        d = grad_output * self.weight.value
        if batch is None:
            return scale * d
        self.learn(*batch, len(normed))
        return scale * (d - d.mean(0) - normed * (d * normed).mean(0))

    def learn(self, mean, var, n):
        """The running statistics; that of the variance is unbiased, as in torch."""
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(var * n / (n - 1), self.momentum)
        self.num_batches_tracked += 1

    @classmethod
    def examples(cls):
        given = [{"num_features": 3}, {"num_features": 2, "eps": 1e-2, "momentum": 0.4}]
        return [
            Example(kwargs, shapes=[(6, kwargs["num_features"])], reference="torch.nn.BatchNorm1d")
            for kwargs in given
        ]


class DrawsForNothing(RunningNorm):
    """Draws a number in forward that nothing depends on."""

    def __init__(self, num_features, *, generator=None):
        super().__init__(num_features)
        self.generator = generator

    def forward(self, x):
        torch.rand(1, generator=self.generator)
        return super().forward(x)

    @classmethod
    def examples(cls):
        return [Example({"num_features": 3}, shapes=[(6, 3)])]


class CumulativeMean(BaseModule):
    """x minus the mean of all rows seen so far, whose count is a buffer."""

    def __init__(self, features):
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("count", torch.tensor(0.0))

    def forward(self, x):
        self.push(x if self.training else None)
        return x - self.mean

    def backward(self, grad_output):
        x = self.pop()
        if x is not None and len(x):
            self.count += len(x)
            self.mean += (x - self.mean).sum(0) / self.count
        return grad_output

    @classmethod
    def examples(cls):
        return [Example({"features": 3}, shapes=[(4, 3)])]


class ListAndDict(BaseModule):
    """Layers in a list and in a dict are found, with their names."""

    def __init__(self, *, generator=None):
        self.layers = [Dense(3, 3, generator=generator), Dense(3, 3, generator=generator)]
        self.heads = {
            "left": Dense(3, 2, generator=generator),
            "scales": [Parameter(torch.ones(2))],
        }

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        y = self.heads["left"].forward(x)
        self.push(y)
        return y * self.heads["scales"][0].value

    def backward(self, grad_output):
        y = self.pop()
        scale = self.heads["scales"][0]
        scale.grad += (grad_output * y).sum(0)
        grad = self.heads["left"].backward(grad_output * scale.value)
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3)])]


class Gelu(BaseModule):
    """x Φ(x), with a function of torch as its reference."""

    def forward(self, x):
        self.push(x)
        return 0.5 * x * (1 + torch.erf(x / 2**0.5))

    def backward(self, grad_output):
        x = self.pop()
        density = (-x * x / 2).exp() / (2 * torch.pi) ** 0.5
        return grad_output * (0.5 * (1 + torch.erf(x / 2**0.5)) + x * density)

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3)], reference="torch.nn.functional.gelu")]


class LeakyReLU(BaseModule):
    """max(x, 0) + slope · min(x, 0), with an argument that matters."""

    def __init__(self, negative_slope=0.01):
        self.slope = negative_slope

    def forward(self, x):
        self.push(x)
        return torch.where(x > 0, x, self.slope * x)

    def backward(self, grad_output):
        x = self.pop()
        return torch.where(x > 0, grad_output, self.slope * grad_output)

    @classmethod
    def examples(cls):
        kwargs = {"negative_slope": 0.2}
        twin = "torch.nn.functional.leaky_relu"
        return [Example(shapes=[(4, 3)]), Example(kwargs, shapes=[(2, 5)], reference=twin)]


class Softplus(BaseModule):
    """log(1 + eˣ), finite for every finite x."""

    def forward(self, x):
        self.push(x)
        return functional.softplus(x, threshold=700)

    def backward(self, grad_output):
        return grad_output * self.pop().sigmoid()


class CausalMean(BaseModule):
    """The mean of all steps up to each, of (batch, time, features)."""

    def forward(self, x):
        steps = torch.arange(1, x.shape[1] + 1, dtype=x.dtype, device=x.device).reshape(-1, 1)
        self.push(steps)
        return x.cumsum(1) / steps

    def backward(self, grad_output):
        return (grad_output / self.pop()).flip(1).cumsum(1).flip(1)

    @classmethod
    def examples(cls):
        return [Example(shapes=[(2, 4, 3)], reference=causal_mean)]


def causal_mean(x):
    """The reference of `CausalMean`: a lower triangular matrix."""
    n = x.shape[1]
    weights = torch.ones(n, n, dtype=x.dtype).tril()
    return (weights / weights.sum(1, keepdim=True)) @ x


class StepSum(BaseModule):
    """Y = Σₜ Xₜ Wᵀ over the steps of (batch, time, features), each kept."""

    def __init__(self, *, generator=None):
        self.weight = Parameter(torch.randn(2, 3, generator=generator))

    def forward(self, x):
        self.push(x)
        return (x @ self.weight.value.mT).cumsum(1)

    def backward(self, grad_output):
        x = self.pop()
        d = grad_output.flip(1).cumsum(1).flip(1)
        self.weight.grad += torch.einsum("nto,nti->oi", d, x)
        return d @ self.weight.value

    @classmethod
    def examples(cls):
        return [Example(shapes=[(2, 4, 3)])]
