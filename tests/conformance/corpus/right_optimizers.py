"""Optimizers that are right: no check may fail on them."""

from __future__ import annotations

import copy
import math

import torch

from minidl_core import BaseOptimizer, Example


class Stateful(BaseOptimizer):
    """Keeps its hyperparameters and buffers in one dict, `state`, which is all there is to save."""

    def __init__(self, params, buffers=(), **hyperparameters):
        super().__init__(params)
        self.state = dict(hyperparameters, steps=0)
        for name in buffers:
            self.state[name] = [torch.zeros_like(p.value) for p in self.params]

    def state_dict(self):
        return copy.deepcopy(self.state)

    def load_state_dict(self, state):
        self.state = copy.deepcopy(dict(state))


class PlainSGD(Stateful):
    """p ← p − lr g."""

    def __init__(self, params, lr):
        super().__init__(params, lr=lr)

    def step(self):
        for value, grad in self.params:
            value -= self.state["lr"] * grad

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.1}, reference="torch.optim.SGD")]


class DecayedMomentum(Stateful):
    """SGD with momentum and weight decay, in the convention of torch."""

    def __init__(self, params, lr=0.1, momentum=0.0, weight_decay=0.0, nesterov=False):
        super().__init__(
            params, ["velocity"], lr=lr, momentum=momentum, decay=weight_decay, nesterov=nesterov
        )

    def step(self):
        s = self.state
        for p, v in zip(self.params, s["velocity"], strict=True):
            value, grad = p
            g = grad + s["decay"] * p.decays * value
            v.mul_(s["momentum"]).add_(g)
            value -= s["lr"] * (g + s["momentum"] * v if s["nesterov"] else v)

    @classmethod
    def examples(cls):
        given = [
            {"lr": 0.05, "momentum": 0.9},
            {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.1},
            {"lr": 0.05, "momentum": 0.8, "nesterov": True},
        ]
        return [Example(kwargs, reference="torch.optim.SGD") for kwargs in given]


class Adam(Stateful):
    """Kingma and Ba's, with both bias corrections and coupled weight decay."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, ["m", "v"], lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def step(self):
        s = self.state
        s["steps"] += 1
        b1, b2 = s["betas"]
        for p, m, v in zip(self.params, s["m"], s["v"], strict=True):
            value, grad = p
            g = grad + s["weight_decay"] * p.decays * value
            m.mul_(b1).add_(g, alpha=1 - b1)
            v.mul_(b2).addcmul_(g, g, value=1 - b2)
            m_hat = m / (1 - b1 ** s["steps"])
            v_hat = v / (1 - b2 ** s["steps"])
            value -= s["lr"] * m_hat / (v_hat.sqrt() + s["eps"])

    @classmethod
    def examples(cls):
        full = {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}
        return [
            Example({"lr": 0.01}, reference="torch.optim.Adam"),
            Example(full, reference="torch.optim.Adam"),
        ]


def lion_rule(p, grads, lr, betas=(0.9, 0.99), weight_decay=0.0):
    """Chen et al., for one number: p ← p − lr (sign(β₁ m + (1 − β₁) g) + λ p)."""
    m = 0.0
    for g in grads:
        c = betas[0] * m + (1 - betas[0]) * g
        p -= lr * (math.copysign(1.0, c) + weight_decay * p)
        m = betas[1] * m + (1 - betas[1]) * g
        yield p


class Lion(Stateful):
    """The sign of an interpolation of momentum and gradient."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, ["m"], lr=lr, betas=betas, weight_decay=weight_decay)

    def step(self):
        s = self.state
        b1, b2 = s["betas"]
        for p, m in zip(self.params, s["m"], strict=True):
            value, grad = p
            update = m.lerp(grad, 1 - b1).sign()
            value -= s["lr"] * (update + s["weight_decay"] * p.decays * value)
            m.lerp_(grad, 1 - b2)

    @classmethod
    def examples(cls):
        given = [{"lr": 0.01}, {"lr": 0.01, "betas": (0.5, 0.7), "weight_decay": 0.2}]
        return [Example(kwargs, reference=lion_rule) for kwargs in given]


class RMSprop(Stateful):
    """Hinton's, which corrects no bias."""

    def __init__(self, params, lr=0.01, alpha=0.99, eps=1e-8):
        super().__init__(params, ["square"], lr=lr, alpha=alpha, eps=eps)

    def step(self):
        s = self.state
        for (value, grad), square in zip(self.params, s["square"], strict=True):
            square.mul_(s["alpha"]).addcmul_(grad, grad, value=1 - s["alpha"])
            value -= s["lr"] * grad / (square.sqrt() + s["eps"])

    @classmethod
    def examples(cls):
        kwargs = {"lr": 0.01, "alpha": 0.9, "eps": 1e-4}
        return [Example(kwargs, reference="torch.optim.RMSprop")]


class Adagrad(Stateful):
    """The step shrinks with the sum of all squares."""

    def __init__(self, params, lr=0.1, eps=1e-10):
        super().__init__(params, ["total"], lr=lr, eps=eps)

    def step(self):
        s = self.state
        for (value, grad), total in zip(self.params, s["total"], strict=True):
            total += grad * grad
            value -= s["lr"] * grad / (total.sqrt() + s["eps"])

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.1, "eps": 1e-4}, reference="torch.optim.Adagrad")]


def clipped_rule(values, grads, lr, norm=1.0):
    """SGD on all gradients together, clipped to a common norm: over whole tensors."""
    for step in grads:
        total = torch.cat([grad.flatten() for grad in step]).norm()
        factor = (norm / total).clamp(max=1)
        values = [value - lr * factor * grad for value, grad in zip(values, step, strict=True)]
        yield values


class Clipped(Stateful):
    """SGD on the gradient of all parameters together, clipped to a norm."""

    def __init__(self, params, lr, norm=1.0):
        super().__init__(params, lr=lr, norm=norm)

    def step(self):
        total = math.sqrt(sum(float(grad.double().square().sum()) for _, grad in self.params))
        factor = min(1.0, self.state["norm"] / total) if total else 1.0
        for value, grad in self.params:
            value -= self.state["lr"] * factor * grad

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.1, "norm": 2.0}, reference=clipped_rule)]
