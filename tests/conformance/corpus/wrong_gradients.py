"""Layers whose gradient is not the derivative: one planted mistake in each."""

from __future__ import annotations

import torch

from minidl_core import BaseModule, Example, Parameter

from .right_layers import Bilinear, Dense, HardTanh, LayerNorm, Product, Residual, SinCos, Swish


class WrongSign(SinCos):
    """The minus of cos' = −sin is missing."""

    def backward(self, dsin, dcos):
        x = self.pop()
        return dsin * x.cos() + dcos * x.sin()


class NegatedGradient(Swish):
    """All of it has the wrong sign."""

    def backward(self, grad_output):
        return -super().backward(grad_output)


class SquareTransposed(Dense):
    """dX = dY Wᵀ for a square W, where shapes do not complain."""

    def backward(self, grad_output):
        x = self.pop()
        self.weight.grad += grad_output.mT @ x
        return grad_output @ self.weight.value.mT

    @classmethod
    def examples(cls):
        return [Example({"inputs": 3, "outputs": 3, "bias": False}, shapes=[(4, 3)])]


class WeightGradientTransposed(SquareTransposed):
    """dW = Xᵀ dY for a square W."""

    def backward(self, grad_output):
        x = self.pop()
        self.weight.grad += x.mT @ grad_output
        return grad_output @ self.weight.value


class OblongTransposed(Dense):
    """The input gradient comes back transposed, in another shape."""

    def backward(self, grad_output):
        return super().backward(grad_output).mT


class BiasOfOneRow(Dense):
    """db = the last row of dY: the sum over the batch is missing."""

    def backward(self, grad_output):
        x = self.pop()
        self.weight.grad += grad_output.mT @ x
        if self.bias is not None:
            self.bias.grad += grad_output[-1]
        return grad_output @ self.weight.value


class BiasOfMean(Dense):
    """db = the mean over the batch in place of the sum."""

    def backward(self, grad_output):
        x = self.pop()
        self.weight.grad += grad_output.mT @ x
        if self.bias is not None:
            self.bias.grad += grad_output.mean(0)
        return grad_output @ self.weight.value


class ChainRuleForgotten(Swish):
    """The layer's own derivative, without grad_output."""

    def backward(self, grad_output):
        return super().backward(torch.ones_like(grad_output))


class DerivativeForgotten(Swish):
    """grad_output, without the layer's own derivative."""

    def backward(self, grad_output):
        self.pop()
        return grad_output


class DerivativeOfOutput(BaseModule):
    """1 − tanh² taken at y instead of x."""

    def forward(self, x):
        y = x.tanh()
        self.push(y)
        return y

    def backward(self, grad_output):
        return grad_output * (1 - self.pop().tanh().square())


class TermForgotten(LayerNorm):
    """The mean also depends on x: its term is missing."""

    def backward(self, grad_output):
        normed, scale = kept = self.pop()
        self.push(kept)
        d = grad_output * self.gain.value
        super().backward(grad_output)
        return scale * (d - normed * (d * normed).mean(-1, keepdim=True))


class SmallTermForgotten(LayerNorm):
    """ε is in the value and not in the gradient: wrong by one part in a hundred thousand."""

    def backward(self, grad_output):
        normed, scale = self.pop()
        variance = scale.pow(-2) - self.eps
        self.push((normed * scale.reciprocal() * variance.rsqrt(), scale))
        return super().backward(grad_output)


class Swapped(Product):
    """The gradients of the two inputs in the wrong order."""

    def backward(self, grad_output):
        return super().backward(grad_output)[::-1]


class SecondInputForgotten(Bilinear):
    """One gradient for two inputs."""

    def backward(self, grad_output):
        return super().backward(grad_output)[0]


class WeightNeverTouched(Dense):
    """The gradient of the weight is never added."""

    def backward(self, grad_output):
        self.pop()
        if self.bias is not None:
            self.bias.grad += grad_output.sum(0)
        return grad_output @ self.weight.value


class SkipForgotten(Residual):
    """The branch that goes around is missing from backward."""

    def backward(self, grad_output):
        self.scale.grad += (grad_output * self.pop()).sum()
        return self.inner.backward(self.scale.value * grad_output)


class InnerScaleForgotten(Residual):
    """The learned scale is missing on the way into the inner module: seen where it is not zero."""

    def backward(self, grad_output):
        self.scale.grad += (grad_output * self.pop()).sum()
        return grad_output + self.inner.backward(grad_output)


class OnlyForFourRows(Dense):
    """Right for the batch size of its own example only."""

    def backward(self, grad_output):
        x = self.pop()
        self.weight.grad += grad_output.mT @ x * (4 / len(x))
        if self.bias is not None:
            self.bias.grad += grad_output.sum(0)
        return grad_output @ self.weight.value

    @classmethod
    def examples(cls):
        return [Example({"inputs": 3, "outputs": 2}, shapes=[(4, 3)])]


class KinkOnWrongSide(HardTanh):
    """The gradient passes outside instead of inside."""

    def backward(self, grad_output):
        return grad_output.masked_fill(self.pop().abs() < 1, 0)


class Undeclared(BaseModule):
    """Rounding with the gradient handed on, and no word that this is meant."""

    def forward(self, x):
        self.push(None)
        return x.round()

    def backward(self, grad_output):
        self.pop()
        return grad_output


class FirstHalfOnly(BaseModule):
    """Only the first half of the features gets a gradient."""

    def forward(self, x):
        self.push(x)
        return x.square()

    def backward(self, grad_output):
        dx = 2 * self.pop() * grad_output
        dx[..., dx.shape[-1] // 2 :] = 0
        return dx


class FactorOfTwo(BaseModule):
    """The 2 of d/dx x² = 2x is missing."""

    def forward(self, x):
        self.push(x)
        return x.square()

    def backward(self, grad_output):
        return self.pop() * grad_output


class HalfPrecision(BaseModule):
    """Computes in float32 whatever it gets."""

    def forward(self, x):
        self.push(x)
        return x.float().sin().to(x.dtype)

    def backward(self, grad_output):
        return grad_output * self.pop().cos()


class DividesByZero(BaseModule):
    """d/dx max(x, 0) as y / max(x, 0), which is 0 / 0 on one side."""

    def forward(self, x):
        y = x.clamp(min=0)
        self.push((x, y))
        return y

    def backward(self, grad_output):
        x, y = self.pop()
        return grad_output * y / x.clamp(min=0)


class SharedWeightOnce(BaseModule):
    """Y = X W Wᵀ: only one of the two places of W is differentiated."""

    def __init__(self, features, *, generator=None):
        self.weight = Parameter(torch.randn(features, features, generator=generator))

    def forward(self, x):
        self.push(x)
        return x @ self.weight.value @ self.weight.value.mT

    def backward(self, grad_output):
        x, w = self.pop(), self.weight.value
        self.weight.grad += x.mT @ grad_output @ w
        return grad_output @ w @ w.mT

    @classmethod
    def examples(cls):
        return [Example({"features": 3}, shapes=[(4, 3)])]
