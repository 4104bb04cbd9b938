"""Mistakes in the numbers: overflow, cancellation, ignored arguments, another function."""

from __future__ import annotations

import torch

from minidl_core import BaseModule, Example, Parameter

from .right_layers import Dense, Embedding, Softmax
from .right_several import GaussianNLL, IndexCrossEntropy, StableBCE, Triplet
from .right_state import CausalMean, Gelu, LeakyReLU, Softplus, StepSum


class NaiveSoftplus(Softplus):
    """log(1 + eˣ) as it is written overflows."""

    def forward(self, x):
        self.push(x)
        return (1 + x.exp()).log()


class NaiveGradient(Softplus):
    """eˣ / (1 + eˣ) as it is written is ∞ / ∞."""

    def backward(self, grad_output):
        e = self.pop().exp()
        return grad_output * e / (1 + e)


class NaiveSoftmax(Softmax):
    """eˣ / Σ eˣ without the maximum subtracted."""

    def forward(self, x):
        e = x.exp()
        y = e / e.sum(-1, keepdim=True)
        self.push(y)
        return y


class UnstableBCE(StableBCE):
    """The logarithm of a sigmoid that rounds to zero."""

    def forward(self, prediction, target):
        super().forward(prediction, target)
        p = prediction.sigmoid()
        return -(target * p.log() + (1 - target) * (1 - p).log()).mean()


class CancelledVariance(BaseModule):
    """E[x²] − E[x]² loses all digits where the mean is large."""

    def forward(self, x):
        self.push(x)
        return x.square().mean(-1, keepdim=True) - x.mean(-1, keepdim=True).square()

    def backward(self, grad_output):
        x = self.pop()
        return grad_output * 2 * (x - x.mean(-1, keepdim=True)) / x.shape[-1]

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3)], low=300, high=301)]


class SlopeIgnored(LeakyReLU):
    """Takes a slope and forgets it."""

    def __init__(self, negative_slope=0.01):
        super().__init__()

    @classmethod
    def examples(cls):
        return [Example({"negative_slope": 0.2}, shapes=[(4, 3)])]


class TanhGelu(Gelu):
    """The approximation by tanh under the name of the exact function."""

    def forward(self, x):
        self.push(x)
        return 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))

    def backward(self, grad_output):
        x = self.pop()
        c = (2 / torch.pi) ** 0.5
        t = torch.tanh(c * (x + 0.044715 * x**3))
        return grad_output * (
            0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x)
        )


class MeanOverIgnored(IndexCrossEntropy):
    """The mean is over all rows, those that are ignored too."""

    def number(self, counted):
        return len(counted)


class LeaksOneStep(CausalMean):
    """Each step sees the one after it."""

    def forward(self, x):
        y = super().forward(x)
        return torch.cat([y[:, 1:], y[:, -1:]], 1)

    def backward(self, grad_output):
        d = torch.cat([torch.zeros_like(grad_output[:, :1]), grad_output[:, :-1]], 1)
        d[:, -1] += grad_output[:, -1]
        return super().backward(d)


class BroadcastsClasses(IndexCrossEntropy):
    """Takes one class for all rows without a word."""

    def forward(self, prediction, target):
        return super().forward(prediction, target.expand(prediction.shape[:1]))


class DiagonalOfSoftmax(Softmax):
    """y (1 − y), as if each output depended on its own input alone."""

    def backward(self, grad_output):
        y = self.pop()
        return grad_output * y * (1 - y)


class RepeatedIndexOnce(Embedding):
    """grad[index] += … adds to a repeated index once."""

    def backward(self, grad_output):
        self.weight.grad[self.pop()] += grad_output


class LastStepOnly(StepSum):
    """The gradient of the weight at the last step alone."""

    def backward(self, grad_output):
        x = self.pop()
        d = grad_output.flip(1).cumsum(1).flip(1)
        self.weight.grad += grad_output[:, -1].mT @ x.sum(1)
        return d @ self.weight.value


class MaskForgotten(LeakyReLU):
    """The mask of forward is forgotten in backward."""

    def __init__(self):
        super().__init__(0.0)

    def backward(self, grad_output):
        self.pop()
        return grad_output * 3

    def forward(self, x):
        self.push(x)
        return 3 * x.clamp(min=0)

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3)])]


class HalfTheBatch(Dense):
    """The gradient of the bias is N / 2 times the right one: a factor of two at four rows."""

    def backward(self, grad_output):
        before = self.bias.grad.clone()
        dx = super().backward(grad_output)
        self.bias.grad.copy_(before + (self.bias.grad - before) * len(grad_output) / 2)
        return dx

    @classmethod
    def examples(cls):
        return [Example({"inputs": 3, "outputs": 2}, shapes=[(4, 3)])]


class OneMinusRate(BaseModule):
    """(1 − rate) x, whose gradient has the factor twice."""

    def __init__(self, rate):
        self.rate = rate

    def forward(self, x):
        self.push(None)
        return (1 - self.rate) * x

    def backward(self, grad_output):
        self.pop()
        return grad_output * (1 - self.rate) ** 2

    @classmethod
    def examples(cls):
        return [Example({"rate": 0.3}, shapes=[(4, 3)])]


class SharedInWrongOrder(BaseModule):
    """f(x) + f(2 x) with one f, run backward first in first out."""

    def __init__(self, *, generator=None):
        self.shared = Dense(3, 3, generator=generator)

    def forward(self, x):
        a = self.shared.forward(x)
        b = self.shared.forward(2 * x)
        self.push(b.cos())
        return a + b.sin()

    def backward(self, grad_output):
        d = grad_output * self.pop()
        return self.shared.backward(grad_output) + 2 * self.shared.backward(d)

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3)])]


class OneOfTwoGradients(GaussianNLL):
    """Two predictions, and the gradient of one."""

    def backward(self):
        return super().backward()[0]


class GradientsSwapped(Triplet):
    """The gradients of positive and negative are swapped."""

    def backward(self):
        a, p, n = super().backward()
        return a, n, p


class TwoWrongParameters(BaseModule):
    """Both gradients of the parameters have a mistake."""

    def __init__(self, *, generator=None):
        self.weight = Parameter(torch.randn(3, generator=generator))
        self.bias = Parameter(torch.zeros(3))

    def forward(self, x):
        self.push(x)
        return x * self.weight.value + self.bias.value

    def backward(self, grad_output):
        x = self.pop()
        self.weight.grad -= (grad_output * x).sum(0)
        self.bias.grad += grad_output.mean(0)
        return grad_output * self.weight.value

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3)])]
