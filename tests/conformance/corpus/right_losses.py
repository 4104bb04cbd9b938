"""Losses that are right: no check may fail on them."""

from __future__ import annotations

import torch

from minidl_core import BaseModule, Example, ShapeError
from minidl_plugins_devkit.subjects.cases import uniform


class _Compared(BaseModule):
    """Refuses what does not match, and what is empty."""

    def check(self, prediction, target):
        if prediction.shape != target.shape or not prediction.numel():
            raise ShapeError(
                f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} must have "
                "one shape and some elements",
                where=self,
            )


class MeanSquares(_Compared):
    """The mean over all elements."""

    def forward(self, prediction, target):
        self.check(prediction, target)
        difference = prediction - target
        self.push(difference)
        return difference.square().mean()

    def backward(self):
        difference = self.pop()
        return 2 * difference / difference.numel()


class SumOfSquares(_Compared):
    """Half the sum: another convention, and as right."""

    def forward(self, prediction, target):
        self.check(prediction, target)
        difference = prediction - target
        self.push(difference)
        return difference.square().sum() / 2

    def backward(self):
        return self.pop()


class RowMeanSquares(_Compared):
    """The sum over features and the mean over rows."""

    def forward(self, prediction, target):
        self.check(prediction, target)
        difference = prediction - target
        self.push(difference)
        return difference.square().sum() / len(difference)

    def backward(self):
        difference = self.pop()
        return 2 * difference / len(difference)


class Huber(_Compared):
    """Quadratic inside δ, linear outside; the second derivative jumps."""

    def __init__(self, delta=1.0):
        self.delta = delta

    def forward(self, prediction, target):
        self.check(prediction, target)
        r = prediction - target
        self.push(r)
        a = r.abs()
        return torch.where(a <= self.delta, r * r / 2, self.delta * (a - self.delta / 2)).mean()

    def backward(self):
        r = self.pop()
        return r.clamp(-self.delta, self.delta) / r.numel()

    @classmethod
    def examples(cls):
        return [Example({"delta": d}, shapes=[(4, 3)]) for d in (0.5, 1.5)]


class Absolute(_Compared):
    """A kink where prediction and target meet."""

    def forward(self, prediction, target):
        self.check(prediction, target)
        difference = prediction - target
        self.push(difference)
        return difference.abs().mean()

    def backward(self):
        difference = self.pop()
        return difference.sign() / difference.numel()


class Asymmetric(_Compared):
    """Pinball: too low costs τ, too high 1 − τ."""

    def __init__(self, tau=0.8):
        self.tau = tau

    def forward(self, prediction, target):
        self.check(prediction, target)
        short = target - prediction
        self.push(short)
        return torch.maximum(self.tau * short, (self.tau - 1) * short).mean()

    def backward(self):
        short = self.pop()
        slope = torch.where(short > 0, self.tau, self.tau - 1).to(short.dtype)
        return -slope / short.numel()


def one_hot(generator, shape):
    """Logits, and a one-hot target for each row."""
    classes = torch.randint(shape[-1], shape[:-1], generator=generator)
    target = torch.nn.functional.one_hot(classes, shape[-1]).to(torch.float64)
    return uniform(shape, -2, 2, generator), target


class CrossEntropy(_Compared):
    """− Σ t log softmax(x), the mean over rows, from logits and one-hot targets."""

    def forward(self, prediction, target):
        self.check(prediction, target)
        log_p = prediction.log_softmax(-1)
        self.push((log_p, target))
        return -(target * log_p).sum() / len(target)

    def backward(self):
        log_p, target = self.pop()
        return (log_p.exp() * target.sum(-1, keepdim=True) - target) / len(target)

    @classmethod
    def examples(cls):
        return [Example(shapes=[s], draw=one_hot) for s in [(4, 3), (2, 5)]]


class WeightedCrossEntropy(_Compared):
    """The same with a weight for each class, divided by the sum of the rows' weights."""

    def __init__(self, weights):
        self.weights = weights

    def forward(self, prediction, target):
        self.check(prediction, target)
        weights = target @ torch.as_tensor(self.weights, dtype=target.dtype, device=target.device)
        log_p = prediction.log_softmax(-1)
        share = (weights / weights.sum()).unsqueeze(-1)
        self.push((log_p, target, share))
        return -(share * target * log_p).sum()

    def backward(self):
        log_p, target, share = self.pop()
        return share * (log_p.exp() - target)

    @classmethod
    def examples(cls):
        return [Example({"weights": (1.0, 2.0, 0.5)}, shapes=[(4, 3)], draw=one_hot)]


class BinaryCrossEntropy(_Compared):
    """− t log p − (1 − t) log(1 − p), for probabilities."""

    def forward(self, prediction, target):
        self.check(prediction, target)
        self.push((prediction, target))
        likely = target * prediction.log() + (1 - target) * (1 - prediction).log()
        return -likely.mean()

    def backward(self):
        p, t = self.pop()
        return (p - t) / (p * (1 - p)) / p.numel()

    @classmethod
    def examples(cls):
        return [Example(shapes=[(3, 4)], low=0.1, high=0.9)]
