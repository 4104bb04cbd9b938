"""Losses with several inputs or whole-number targets, and optimizers with unusual states."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch.nn import functional

from minidl_core import BaseModule, BaseOptimizer, Example, ShapeError

from .right_optimizers import PlainSGD


def logits_and_classes(generator, shape):
    """Logits of (n, classes), and the index of a class for each row."""
    x = torch.empty(shape, dtype=torch.float64).uniform_(-2, 2, generator=generator)
    classes = torch.randint(shape[1], shape[:1], generator=generator)
    classes[:2] = torch.arange(2)[: len(classes)]  # the class that an example ignores is there
    return x, classes


class IndexCrossEntropy(BaseModule):
    """The mean of −log softmax at the class of each row; rows of `ignore_index` do not count."""

    def __init__(self, ignore_index=-100):
        self.ignore_index = ignore_index

    def forward(self, prediction, target):
        if prediction.shape[:1] != target.shape:
            raise ShapeError("expected one class for each row", where=self)
        counted = target != self.ignore_index
        if not counted.any():
            raise ShapeError("expected at least one row that counts", where=self)
        log = functional.log_softmax(prediction, 1)
        classes = target.where(counted, 0)
        self.push((log, classes, counted))
        picked = log.gather(1, classes[:, None])[:, 0]
        return -(picked * counted).sum() / self.number(counted)

    def backward(self):
        log, classes, counted = self.pop()
        one_hot = functional.one_hot(classes, log.shape[1])
        return (log.exp() - one_hot) * counted[:, None] / self.number(counted)

    def number(self, counted):
        """How many rows the mean is over."""
        return counted.sum()

    @classmethod
    def examples(cls):
        twin = "torch.nn.functional.cross_entropy"
        given = [{}, {"ignore_index": 0}]
        return [
            Example(kwargs, shapes=[(6, 3)], draw=logits_and_classes, reference=twin)
            for kwargs in given
        ]


def logits_and_bits(generator, shape):
    """Logits, and targets of zero and one."""
    x = torch.empty(shape, dtype=torch.float64).uniform_(-2, 2, generator=generator)
    bits = torch.empty(shape, dtype=torch.float64).bernoulli_(0.5, generator=generator)
    return x, bits


class StableBCE(BaseModule):
    """The mean of log(1 + eˣ) − l x."""

    def forward(self, prediction, target):
        if prediction.shape != target.shape or not prediction.numel():
            raise ShapeError("prediction and target must have one shape, of some rows", where=self)
        self.push((prediction, target))
        return (functional.softplus(prediction, threshold=700) - target * prediction).mean()

    def backward(self):
        x, target = self.pop()
        return (x.sigmoid() - target) / x.numel()

    @classmethod
    def examples(cls):
        twin = "torch.nn.functional.binary_cross_entropy_with_logits"
        return [Example(shapes=[(4, 3)], draw=logits_and_bits, reference=twin)]


class GaussianNLL(BaseModule):
    """½ the mean of s + (l − m)² e⁻ˢ: two predictions, the mean and the log of the variance."""

    def forward(self, mean, log_variance, target):
        if not mean.shape == log_variance.shape == target.shape or not mean.numel():
            raise ShapeError("expected one shape, of some rows", where=self)
        self.push((mean - target, log_variance))
        return (log_variance + (mean - target).square() * (-log_variance).exp()).mean() / 2

    def backward(self):
        difference, s = self.pop()
        weighted = difference * (-s).exp()
        n = 2 * s.numel()
        return 2 * weighted / n, (1 - difference * weighted) / n

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3), (4, 3)]), Example(shapes=[(2, 5), (2, 5)])]


class Triplet(BaseModule):
    """½ the mean of |a − p|² − |a − n|²: no target, and three gradients."""

    def forward(self, anchor, positive, negative):
        if not anchor.shape == positive.shape == negative.shape or not anchor.numel():
            raise ShapeError("expected one shape, of some rows", where=self)
        self.push((anchor, positive, negative))
        return ((anchor - positive).square() - (anchor - negative).square()).mean() / 2

    def backward(self):
        a, p, n = self.pop()
        size = a.numel()
        return (n - p) / size, (p - a) / size, (a - n) / size

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3), (4, 3)])]


class ArraysInState(BaseOptimizer):
    """Momentum whose velocity is a NumPy array in float64."""

    def __init__(self, params, lr, momentum=0.5):
        super().__init__(params)
        self.lr, self.momentum = lr, momentum
        self.velocity = [np.zeros(tuple(p.value.shape)) for p in self.params]

    def step(self):
        for p, v in zip(self.params, self.velocity, strict=True):
            v *= self.momentum
            v += p.grad.double().cpu().numpy()
            p.value -= self.lr * torch.as_tensor(v).to(p.value)

    def state_dict(self):
        return copy.deepcopy({"lr": self.lr, "momentum": self.momentum, "velocity": self.velocity})

    def load_state_dict(self, state):
        vars(self).update(copy.deepcopy(dict(state)))

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.1, "momentum": 0.9}, reference="torch.optim.SGD")]


class OptionalLimit(PlainSGD):
    """Steps of at most `limit`, or of any size with None."""

    def __init__(self, params, lr, limit=0.05):
        super().__init__(params, lr)
        self.state["limit"] = limit

    def step(self):
        limit = self.state["limit"]
        for value, grad in self.params:
            step = self.state["lr"] * grad
            value -= step if limit is None else step.clamp(-limit, limit)

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.1, "limit": None}, reference="torch.optim.SGD")]


class ScalesInPlace(PlainSGD):
    """Scales all gradients by one factor, in place, as clipping by a norm does."""

    def step(self):
        total = sum(float(grad.double().square().sum()) for _, grad in self.params) ** 0.5
        for _, grad in self.params:
            grad *= min(1.0, 0.5 / total) if total else 1.0
        super().step()

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.1}, reference=clipped)]


def clipped(values, grads, lr):
    """The rule of `ScalesInPlace`, over whole tensors."""
    for step in grads:
        factor = (0.5 / torch.cat([grad.flatten() for grad in step]).norm()).clamp(max=1)
        values = [value - lr * factor * grad for value, grad in zip(values, step, strict=True)]
        yield values
