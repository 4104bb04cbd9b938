"""Layers whose derivative is right and whose manners are not: one planted mistake in each."""

from __future__ import annotations

from typing import ClassVar

import torch

from minidl_core import BaseModule, Example, Parameter

from .right_layers import Dense, Dropout, Residual, Scale, Swish, normal


class Overwrites(Dense):
    """Puts its gradient in place of what was there."""

    def backward(self, grad_output):
        x = self.pop()
        self.weight.grad.copy_(grad_output.mT @ x)
        if self.bias is not None:
            self.bias.grad += grad_output.sum(0)
        return grad_output @ self.weight.value


class Reassigns(Scale):
    """Adds, but into a new tensor: who holds the old one sees nothing."""

    def backward(self, grad_output):
        x = self.pop()
        added = (grad_output * x).reshape(-1, x.shape[-1]).sum(0)
        self.factor.grad = self.factor.grad + added
        return grad_output * self.factor.value


class NoStack(BaseModule):
    """Keeps the last input only."""

    def forward(self, x):
        self.push(None)
        self.x = x
        return x.sin()

    def backward(self, grad_output):
        self.pop()
        return grad_output * self.x.cos()


class FirstInFirstOut(BaseModule):
    """A queue where a stack is needed."""

    def forward(self, x):
        self.push(x)
        return x.sin()

    def backward(self, grad_output):
        if not self._stack:
            self.pop()
        return grad_output * self._stack.pop(0)[0].cos()


class GrowingGradient(Swish):
    """Never pops: each backward sees the latest forward, again and again."""

    def backward(self, grad_output):
        x = self._stack[-1][0] if self._stack else self.pop()
        s = x.sigmoid()
        return grad_output * (s + x * s * (1 - s))


class KeepsInEvaluation(Swish):
    """Keeps what backward needs even where there will be none."""

    def forward(self, x):
        kept = x.clone()
        self._stack.append((kept, kept._version))
        return x * x.sigmoid()


class KeepsQuietly(Swish):
    """Refuses backward in evaluation mode, but has kept everything until then."""

    def forward(self, x):
        kept = x.clone()
        self._stack.append((kept, kept._version))
        return x * x.sigmoid()

    def backward(self, grad_output):
        if not self.training:
            self._stack, kept = [], self._stack
            try:
                self.pop()
            finally:
                self._stack = kept
        return super().backward(grad_output)


class SilentWithoutForward(BaseModule):
    """Backward without forward gives zeros."""

    def forward(self, x):
        self.push(x)
        return x.sin()

    def backward(self, grad_output):
        if not self._stack and self.training:
            return torch.zeros_like(grad_output)
        return grad_output * self.pop().cos()


class ForeignError(BaseModule):
    """Backward without forward is an IndexError that explains nothing."""

    def forward(self, x):
        self.push(x)
        return x.sin()

    def backward(self, grad_output):
        return grad_output * self._stack.pop()[0].cos()


class MutatesInput(BaseModule):
    """Works in place to save memory, on what belongs to the caller."""

    def forward(self, x):
        y = x.clamp_(min=0)
        self.push(y > 0)
        return y

    def backward(self, grad_output):
        return grad_output * self.pop()


class MutatesGradOutput(BaseModule):
    """Works in place on the gradient that it was handed."""

    def forward(self, x):
        self.push(x)
        return x.relu()

    def backward(self, grad_output):
        return grad_output.mul_(self.pop() > 0)


class ReusesBuffer(BaseModule):
    """The second output is written over the first."""

    buffer = None

    def forward(self, x):
        if self.buffer is None or self.buffer.shape != x.shape or self.buffer.dtype != x.dtype:
            self.buffer = torch.empty_like(x)
        torch.sin(x, out=self.buffer)
        self.push(x)
        return self.buffer

    def backward(self, grad_output):
        return grad_output * self.pop().cos()


class UpcastsOutput(BaseModule):
    """A constant of float32 makes more of bfloat16 than was asked for."""

    def forward(self, x):
        self.push(None)
        return x * torch.full((x.shape[-1],), 0.5)

    def backward(self, grad_output):
        self.pop()
        return grad_output * 0.5


class UpcastsGradient(BaseModule):
    """Only the gradient has another dtype."""

    def forward(self, x):
        self.push(x)
        return x.sin()

    def backward(self, grad_output):
        return grad_output.double() * self.pop().cos()


class OnAnotherDevice(BaseModule):
    """The gradient is made where the data is not."""

    def forward(self, x):
        self.push(x)
        return x.sin()

    def backward(self, grad_output):
        return (grad_output * self.pop().cos()).to("meta")


class CountsInstances(BaseModule):
    """No two instances are alike, whatever the seed."""

    instances = 0

    def __init__(self):
        CountsInstances.instances += 1
        self.factor = 1 + CountsInstances.instances / 1e6

    def forward(self, x):
        self.push(None)
        return x * self.factor

    def backward(self, grad_output):
        self.pop()
        return grad_output * self.factor


class NeedsContiguous(BaseModule):
    """A view of what must not be a view."""

    def forward(self, x):
        self.push(x)
        return x.view(-1).sin().view(x.shape)

    def backward(self, grad_output):
        return grad_output * self.pop().cos()


class ReadsMemoryOrder(BaseModule):
    """Takes for granted that rows lie one after the other: wrong numbers, and no error."""

    def forward(self, x):
        self.push(x)
        return torch.as_strided(x, x.shape, torch.empty(x.shape).stride()).sin()

    def backward(self, grad_output):
        x = self.pop()
        return grad_output * torch.as_strided(x, x.shape, torch.empty(x.shape).stride()).cos()


class SqueezesOne(BaseModule):
    """A batch of one loses its dimension."""

    def forward(self, x):
        self.push(x)
        return x.sin().squeeze()

    def backward(self, grad_output):
        x = self.pop()
        return grad_output.reshape(x.shape) * x.cos()


class WrongForOne(BaseModule):
    """The gradient is right for two rows and more."""

    def forward(self, x):
        self.push(x)
        return x - x.mean(0)

    def backward(self, grad_output):
        x = self.pop()
        return grad_output - grad_output.mean(0) * (len(x) > 1)


class NothingFromNothing(BaseModule):
    """The largest of no elements is an error of torch's."""

    def forward(self, x):
        peak = x.max().detach()
        self.push((x == peak, peak))
        return x * (x != peak) + x.max()

    def backward(self, grad_output):
        at, _ = self.pop()
        return torch.where(at, grad_output.sum(), grad_output)


class NotRescaled(Dropout):
    """Drops, and does not make up for it."""

    def forward(self, x):
        if not self.training:
            return x
        mask = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)
        self.push(mask)
        return x * mask


class RescaledTheWrongWay(Dropout):
    """Multiplies by 1 − p where it should divide."""

    def forward(self, x):
        if not self.training:
            return x
        keep = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)
        mask = keep * (1 - self.p)
        self.push(mask)
        return x * mask


class NewMaskInBackward(Dropout):
    """Draws once in forward and once more in backward."""

    def backward(self, grad_output):
        keep = torch.empty_like(self.pop()).bernoulli_(1 - self.p, generator=self.generator)
        return grad_output * keep / (1 - self.p)


class DropsInEvaluation(Dropout):
    """Goes on dropping in evaluation mode."""

    def forward(self, x):
        keep = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)
        mask = keep / (1 - self.p)
        self.push(mask)
        return x * mask


class GlobalNoise(Dropout):
    """Takes a generator and does not use it."""

    def forward(self, x):
        if not self.training:
            return x
        mask = torch.empty_like(x).bernoulli_(1 - self.p) / (1 - self.p)
        self.push(mask)
        return x * mask


class GlobalWeights(Dense):
    """Draws its first weights where nobody can seed them."""

    def __init__(self, inputs, outputs, bias=True):
        super().__init__(inputs, outputs, bias)


class Unlisted(Dense):
    """param() forgets the bias."""

    def named_param(self):
        return [("weight", self.weight)]


class _Holder:
    """An object of the author's own that holds layers."""


class InAnObject(BaseModule):
    """Layers in an object that is no list, tuple or dict are not found."""

    def __init__(self, *, generator=None):
        self.holder = _Holder()
        self.holder.layers = [Dense(3, 3, generator=generator), Dense(3, 2, generator=generator)]

    def forward(self, x):
        for layer in self.holder.layers:
            x = layer.forward(x)
        self.push(None)
        return x

    def backward(self, grad_output):
        self.pop()
        for layer in reversed(self.holder.layers):
            grad_output = layer.backward(grad_output)
        return grad_output

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3)])]


class HiddenTensor(BaseModule):
    """A weight that is drawn and is no Parameter is lost on saving."""

    def __init__(self, features, *, generator=None, dtype=None):
        self.weight = normal((features,), generator, dtype)
        self.shift = torch.randn(features, generator=generator, dtype=dtype)

    def forward(self, x):
        self.push(x)
        return x * self.weight.value + self.shift.to(x.dtype)

    def backward(self, grad_output):
        self.weight.grad += (grad_output * self.pop()).sum(0)
        return grad_output * self.weight.value

    @classmethod
    def examples(cls):
        return [Example({"features": 3}, shapes=[(4, 3)])]


class CopiesShare(Scale):
    """A copy still holds the parameter of the original."""

    def __deepcopy__(self, memo):
        clone = type(self)(len(self.factor.value))
        clone.factor = self.factor
        return clone


class OneStackForAll(BaseModule):
    """The stack is in the class: all instances push to one."""

    kept: ClassVar[list] = []

    def forward(self, x):
        self.push(None)
        self.kept.append(x)
        return x.sin()

    def backward(self, grad_output):
        self.pop()
        return grad_output * self.kept.pop().cos()


class OneWeightForAll(BaseModule):
    """A Parameter as a default argument: all instances share it."""

    def __init__(self, factor=Parameter(torch.ones(()))):  # noqa: B008
        self.factor = factor

    def forward(self, x):
        self.push(x)
        return x * self.factor.value

    def backward(self, grad_output):
        self.factor.grad += (grad_output * self.pop()).sum()
        return grad_output * self.factor.value


class ReusesGradient(Swish):
    """Gives the same tensor as input gradient again and again."""

    buffer = None

    def backward(self, grad_output):
        dx = super().backward(grad_output)
        if self.buffer is None or self.buffer.shape != dx.shape or self.buffer.dtype != dx.dtype:
            self.buffer = torch.empty_like(dx)
        return self.buffer.copy_(dx)


class EvalStaysOutside(Residual):
    """eval() does not reach the module inside, which goes on keeping."""

    def eval(self):
        self.training = False
        self._stack.clear()
        return self


class StartsWithGarbage(Scale):
    """The gradient does not start at zero."""

    def __init__(self, features):
        self.factor = Parameter(torch.ones(features), torch.ones(features))


class TwoLines(Swish):
    """One line on what it is, in two."""

    def summary(self):
        return "Swish\n(x times its sigmoid)"


class StuckInTraining(Swish):
    """eval() forgets to say so."""

    def eval(self):
        self._stack.clear()
        return self


class Lazy(BaseModule):
    """Leaves the derivative to autograd."""

    def forward(self, x):
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            y = leaf * leaf.sigmoid()
        self.push((leaf, y))
        return y.detach()

    def backward(self, grad_output):
        leaf, y = self.pop()
        return torch.autograd.grad(y, leaf, grad_output)[0]
