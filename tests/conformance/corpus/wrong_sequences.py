"""Recurrent layers, attention and norms of a row with one planted mistake in each."""

from __future__ import annotations

import torch

from .right_sequences import Attention, Gated, GRUStep, Positioned, Recurrence, RowNorm


class UpdateGateSwapped(GRUStep):
    """z and 1 − z exchanged, in value and gradient: another unit than torch's."""

    def mixed(self, z, n, h):
        return z * n + (1 - z) * h

    def gates(self, d, h, r, z, n, un):
        dan = d * z * (1 - n * n)
        return dan * un * r * (1 - r), d * (n - h) * z * (1 - z), dan, dan * r

    def through_state(self, d, z):
        return d * (1 - z)


class ResetBeforeProduct(GRUStep):
    """The gradient of uₙ forgets the reset gate."""

    def gates(self, d, h, r, z, n, un):
        dr, dz, dan, _ = super().gates(d, h, r, z, n, un)
        return dr, dz, dan, dan


class GateSlopeForgotten(GRUStep):
    """The gates' derivative lacks z (1 − z)."""

    def gates(self, d, h, r, z, n, un):
        dr, _, dan, dun = super().gates(d, h, r, z, n, un)
        return dr, d * (h - n), dan, dun


class StateOnlyThroughGates(GRUStep):
    """The gradient of h lacks the direct way, z dh'."""

    def through_state(self, d, z):
        return torch.zeros_like(d)


class GateOrderOfKeras(GRUStep):
    """The blocks of the weights are z, r, n, as Keras has them."""

    def blocks(self, x, h):
        (ar, az, an), (ur, uz, un) = super().blocks(x, h)
        return (az, ar, an), (uz, ur, un)

    def gates(self, d, h, r, z, n, un):
        dr, dz, dan, dun = super().gates(d, h, r, z, n, un)
        return dz, dr, dan, dun


class ReadsBackwards(Recurrence):
    """Goes through the sequence from its end."""

    def forward(self, x):
        return super().forward(x.flip(1)).flip(1)

    def backward(self, grad_output):
        return super().backward(grad_output.flip(1)).flip(1)


class OneStepBack(Recurrence):
    """Truncated to one step: nothing flows from a time to the one before."""

    def carried(self, dh, slope):
        return torch.zeros_like(dh)


class SlopeForgottenOnTheWay(Recurrence):
    """The gradient goes back in time without the slope of tanh."""

    def carried(self, dh, slope):
        return dh @ self.weight_hh.value


class TransposedOnTheWay(Recurrence):
    """The gradient goes back in time through Wᵀ for W."""

    def carried(self, dh, slope):
        return (dh * slope) @ self.weight_hh.value.mT


class StateOfSameTime(Recurrence):
    """The gradient of W_hh takes hₜ for hₜ₋₁."""

    def backward(self, grad_output):
        x, states = self.pop()
        self.push((x, states))
        before = self.weight_hh.grad.clone()
        dx = super().backward(grad_output)
        self.weight_hh.grad.copy_(before)
        dh = torch.zeros_like(states[0])
        for t in reversed(range(x.shape[1])):
            dh = dh + grad_output[:, t]
            slope = 1 - states[t + 1] ** 2
            self.weight_hh.grad += (dh * slope).mT @ states[t + 1]
            dh = self.carried(dh, slope)
        return dx


class ScaleForgotten(Attention):
    """Q Kᵀ is not divided by √d, in value and gradient."""

    def scale(self, q):
        return 1.0


class ScaleForgottenInBackward(Attention):
    """The gradient of the scores is not divided by √d."""

    def backward(self, grad_output):
        q, k, v, weights = self.pop()
        ds = self.through_softmax(weights, grad_output @ v.mT)
        return ds @ k, ds.mT @ q, weights.mT @ grad_output


class LeaksOnePlace(Attention):
    """The mask lets each position see the one after it."""

    def mask(self, scores):
        return torch.ones_like(scores, dtype=torch.bool).tril(1)


class SoftmaxByItsDiagonal(Attention):
    """The derivative of softmax as w (1 − w)."""

    def through_softmax(self, weights, d):
        return weights * (1 - weights) * d


class QueriesAndKeysSwapped(Attention):
    """The gradients of Q and K come back in each other's place."""

    def backward(self, grad_output):
        dq, dk, dv = super().backward(grad_output)
        return dk, dq, dv


class ValuesNotTransposed(Attention):
    """dV = W dY for Wᵀ dY."""

    def backward(self, grad_output):
        *_, weights = kept = self.pop()
        self.push(kept)
        dq, dk, _ = super().backward(grad_output)
        return dq, dk, weights @ grad_output


class UnbiasedRow(RowNorm):
    """The variance is divided by n − 1."""

    def variance(self, x):
        return x.var(-1, keepdim=True)

    def through_statistics(self, d, normed, scale):
        n = d.shape[-1]
        centred = d - d.mean(-1, keepdim=True)
        return scale * (centred - normed * (d * normed).sum(-1, keepdim=True) / (n - 1))


class EpsilonOutside(RowNorm):
    """√σ² + ε for √(σ² + ε)."""

    def __init__(self, features, eps=1e-2):
        super().__init__(features, eps)

    def spread(self, x):
        return self.variance(x).sqrt() + self.eps


class MeanAsConstant(RowNorm):
    """The gradient does not go through the mean."""

    def through_statistics(self, d, normed, scale):
        return scale * (d - normed * (d * normed).mean(-1, keepdim=True))


class SpreadAsConstant(RowNorm):
    """The gradient does not go through the variance."""

    def through_statistics(self, d, normed, scale):
        return scale * (d - d.mean(-1, keepdim=True))


class FirstDimensionAlone(RowNorm):
    """γ and β get the gradients of the last of the leading dimensions alone."""

    def backward(self, grad_output):
        normed, scale = self.pop()
        last = grad_output if grad_output.ndim == 2 else grad_output[-1]
        self.weight.grad += (last * (normed if normed.ndim == 2 else normed[-1])).sum(0)
        self.bias.grad += last.sum(0)
        return self.through_statistics(grad_output * self.weight.value, normed, scale)


class HalvesSwapped(Gated):
    """The gate is the first half; its gradient fits."""

    def forward(self, x):
        return super().forward(x.roll(x.shape[-1] // 2, -1))

    def backward(self, grad_output):
        return super().backward(grad_output).roll(grad_output.shape[-1], -1)


class GateAsConstant(Gated):
    """The gate gets no gradient."""

    def backward(self, grad_output):
        _, s = self.pop()
        return torch.cat([grad_output * s, torch.zeros_like(s)], -1)


class PositionsOfOneRow(Positioned):
    """The gradient of the places is a mean over the batch."""

    def backward(self, grad_output):
        steps = self.pop()
        self.weight.grad[:steps] += grad_output.flatten(0, -3).mean(0)
        return grad_output.clone()
