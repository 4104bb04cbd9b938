"""Losses with one planted mistake in each."""

from __future__ import annotations

import torch

from minidl_core import BaseModule

from .right_losses import Absolute, CrossEntropy, Huber, MeanSquares, WeightedCrossEntropy


class MissingMean(MeanSquares):
    """Reports the mean and differentiates the sum."""

    def backward(self):
        return 2 * self.pop()


class MeanOverRows(MeanSquares):
    """Reports the mean over elements and divides by the number of rows."""

    def backward(self):
        difference = self.pop()
        return 2 * difference / len(difference)


class ReportsSum(MeanSquares):
    """Reports the sum and differentiates the mean."""

    def forward(self, prediction, target):
        return super().forward(prediction, target) * prediction.numel()


class WrongWayRound(MeanSquares):
    """The derivative by the target."""

    def backward(self):
        return -super().backward()


class HalfForgotten(MeanSquares):
    """The two of the square is missing."""

    def backward(self):
        difference = self.pop()
        return difference / difference.numel()


class Broadcasts(BaseModule):
    """Compares (4, 3) with (4, 1) and is content."""

    def forward(self, prediction, target):
        difference = prediction - target
        self.push(difference)
        if not prediction.numel():
            return prediction.sum()
        return difference.square().mean()

    def backward(self):
        difference = self.pop()
        return 2 * difference / max(1, difference.numel())


class OnePerRow(MeanSquares):
    """Gives one value for each row."""

    def forward(self, prediction, target):
        self.check(prediction, target)
        difference = prediction - target
        self.push(difference)
        return difference.square().mean(-1)

    def backward(self):
        difference = self.pop()
        return 2 * difference / difference.shape[-1]


class NaNForNothing(BaseModule):
    """The mean over no elements."""

    def forward(self, prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        difference = prediction - target
        self.push(difference)
        return difference.square().mean()

    def backward(self):
        difference = self.pop()
        return 2 * difference / difference.numel()


class MutatesTarget(CrossEntropy):
    """Normalises the target in place."""

    def forward(self, prediction, target):
        self.check(prediction, target)
        target.clamp_(0.01, 0.99)
        return super().forward(prediction, target)


class SoftmaxOnly(CrossEntropy):
    """The target is missing from softmax − target."""

    def backward(self):
        log_p, target = self.pop()
        return log_p.exp() / len(target)


class WeightsInValueOnly(WeightedCrossEntropy):
    """The class weights are in the value and not in the gradient."""

    def backward(self):
        log_p, target, _ = self.pop()
        return (log_p.exp() - target) / len(target)


class UnclippedHuber(Huber):
    """The derivative of the quadratic part everywhere."""

    def backward(self):
        r = self.pop()
        return r / r.numel()


class KeepsOnePair(Absolute):
    """Keeps the last pair only, so that two branches share one gradient."""

    def forward(self, prediction, target):
        value = super().forward(prediction, target)
        self.difference = prediction - target
        return value

    def backward(self):
        self.pop()
        return self.difference.sign() / self.difference.numel()


class FloatValue(MeanSquares):
    """The value is computed in float32, whatever comes."""

    def forward(self, prediction, target):
        value = super().forward(prediction, target)
        return value.to(torch.float32)
