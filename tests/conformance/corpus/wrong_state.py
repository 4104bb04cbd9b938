"""Layers whose mistake is in buffers, modes, or what forward changes."""

from __future__ import annotations

import torch

from minidl_core import BaseModule, Example, Parameter

from .right_layers import Dropout, Swish
from .right_state import CumulativeMean, ListAndDict, RunningNorm


class LearnsInForward(RunningNorm):
    """The running statistics are written in forward."""

    def statistics(self, x):
        mean, var = super().statistics(x)
        if self.training:
            self.running_mean.lerp_(mean, self.momentum)
        return mean, var


class CountsForwards(Swish):
    """Counts its calls in forward."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x)


class StatisticsNoBuffer(CumulativeMean):
    """The running mean is a plain attribute, and is lost on saving."""

    def __init__(self, features):
        self.mean = torch.zeros(features)
        self.count = torch.tensor(0.0)

    def forward(self, x):
        self.mean = self.mean.to(x)
        return super().forward(x)


class CountIsNoBuffer(CumulativeMean):
    """The number of rows seen is a plain number, and starts anew after loading."""

    def __init__(self, features):
        self.register_buffer("mean", torch.zeros(features))
        self.count = 0.0


class HandsOutState(CumulativeMean):
    """state_dict() gives the tensors themselves."""

    def state_dict(self):
        return dict(self.named_buffers())


class ForgetsABuffer(CumulativeMean):
    """state_dict() leaves the count out."""

    def state_dict(self):
        return {"mean": self.mean.clone()}


class EvaluatesByBatch(RunningNorm):
    """Evaluation uses the statistics of its own batch."""

    def statistics(self, x):
        return x.mean(0), x.var(0, correction=0)


class BiasedStatistics(RunningNorm):
    """The running variance is the biased one."""

    def learn(self, mean, var, n):
        super().learn(mean, var * (n - 1) / n, n)


class OtherMomentum(RunningNorm):
    """The other convention: momentum is what stays of the old value."""

    def learn(self, mean, var, n):
        self.momentum = 1 - self.momentum
        super().learn(mean, var, n)
        self.momentum = 1 - self.momentum


class SwappedStatistics(RunningNorm):
    """Mean and variance are learned into each other."""

    def learn(self, mean, var, n):
        super().learn(var, mean, n)


class OneBufferForAll(CumulativeMean):
    """The running mean is one tensor of the class."""

    shared = torch.zeros(3, dtype=torch.float64)

    def __init__(self, features):
        super().__init__(features)
        self.register_buffer("mean", self.shared)


class BuffersInFloat32(RunningNorm):
    """The statistics are float32, whatever dtype is asked for."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, *, dtype=None):
        super().__init__(num_features, eps, momentum, dtype=dtype)
        self.running_mean = self.running_mean.float()


class BufferChangesDtype(CumulativeMean):
    """Learning assigns a float32 tensor to the buffer."""

    def backward(self, grad_output):
        dx = super().backward(grad_output)
        self.mean = self.mean.float()
        return dx


class LearnsInEvaluation(RunningNorm):
    """Learns in every backward, in evaluation mode too."""

    def backward(self, grad_output):
        kept = self.pop()
        self.push(kept)
        if kept[2] is None:
            self.learn(kept[0].mean(0), kept[0].var(0), len(kept[0]))
        return super().backward(grad_output)


class GradientOfTraining(RunningNorm):
    """In evaluation, backward differentiates through statistics that are constants there."""

    def backward(self, grad_output):
        normed, scale, batch = self.pop()
        self.weight.grad += (grad_output * normed).sum(0)
        self.bias.grad += grad_output.sum(0)
        if batch:
            self.learn(*batch, len(normed))
        d = grad_output * self.weight.value
        return scale * (d - d.mean(0) - normed * (d * normed).mean(0))


class PushesInTrainingOnly(Dropout):
    """In evaluation nothing is pushed, and keep() finds nothing to pop."""

    def forward(self, x):
        return super().forward(x) if self.training else x


class KeepingIsTraining(Swish):
    """keep() turns training on."""

    def keep(self, mode=True):
        super().keep(mode)
        self.training = mode
        return self


class PushedInADict(Swish):
    """What is pushed in a dict can be changed in place without notice."""

    def forward(self, x):
        self.push({"x": x})
        return x * x.sigmoid()

    def backward(self, grad_output):
        x = self.pop()["x"]
        s = x.sigmoid()
        return grad_output * (s + x * s * (1 - s))


class PushedAsData(Swish):
    """.data has a version counter of its own."""

    def forward(self, x):
        self.push(x.data)
        return x * x.sigmoid()

    def backward(self, grad_output):
        x = self.pop()
        s = x.sigmoid()
        return grad_output * (s + x * s * (1 - s))


class NamesOnlyTheList(ListAndDict):
    """named_children() is overridden, and leaves the dict out."""

    def named_children(self):
        return [(f"layers.{i}", layer) for i, layer in enumerate(self.layers)]


class OneMaskForAllRows(Dropout):
    """The mask is drawn for one row, and broadcast."""

    def forward(self, x):
        if not self.training:
            self.push(torch.ones_like(x))
            return x
        keep = torch.empty_like(x[:1]).bernoulli_(1 - self.p, generator=self.generator)
        mask = keep / (1 - self.p)
        self.push(mask)
        return x * mask


class OneFactorForAllRows(BaseModule):
    """Noise with one factor a batch, learned."""

    def __init__(self, *, generator=None):
        self.sigma = Parameter(torch.tensor(0.3))
        self.generator = generator

    def forward(self, x):
        factor = torch.zeros_like(x[:1])
        if self.training:
            factor = torch.empty_like(x[:1]).normal_(generator=self.generator)
        self.push((x, factor))
        return x + x * self.sigma.value * factor

    def backward(self, grad_output):
        x, factor = self.pop()
        self.sigma.grad += (grad_output * x * factor).sum()
        return grad_output * (1 + self.sigma.value * factor)

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3)])]
