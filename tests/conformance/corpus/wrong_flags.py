"""Optimizers that do not heed what parameters say of themselves, and other new mistakes."""

from __future__ import annotations

import torch

from minidl_core import Example

from .right_optimizers import Adam, Clipped, DecayedMomentum, Lion, PlainSGD, clipped_rule
from .right_several import ArraysInState


class StepsFrozen(PlainSGD):
    """Steps the parameters with trainable=False as well."""

    def step(self):
        for value, grad in self._given:
            value -= self.state["lr"] * grad


class KeepsFrozenGradients(PlainSGD):
    """zero_grad() leaves the gradients of frozen parameters."""

    def zero_grad(self):
        for _, grad in self.params:
            grad.zero_()


class FrozenCounts(Clipped):
    """The common norm counts the gradients of frozen parameters."""

    def step(self):
        total = torch.cat([grad.flatten() for _, grad in self._given]).norm()
        factor = min(1.0, self.state["norm"] / float(total)) if total else 1.0
        for value, grad in self.params:
            value -= self.state["lr"] * factor * grad


class DecaysAll(DecayedMomentum):
    """Weight decay in the gradient, of parameters with decays=False too."""

    def step(self):
        s = self.state
        for (value, grad), v in zip(self.params, s["velocity"], strict=True):
            v.mul_(s["momentum"]).add_(grad + s["decay"] * value)
            value -= s["lr"] * v

    @classmethod
    def examples(cls):
        kwargs = {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.1}
        return [Example(kwargs, reference="torch.optim.SGD")]

    def __init__(self, params, lr=0.1, momentum=0.0, weight_decay=0.0):
        super().__init__(params, lr, momentum, weight_decay)


class DecaysAllDirectly(Lion):
    """Decoupled decay of all parameters."""

    def step(self):
        for value, _ in self.params:
            value *= 1 - self.state["lr"] * self.state["weight_decay"]
        decay, self.state["weight_decay"] = self.state["weight_decay"], 0.0
        super().step()
        self.state["weight_decay"] = decay


class RefusesNames(PlainSGD):
    """Takes parameters only, and no pairs with their names."""

    def __init__(self, params, lr):
        super().__init__([p for p in params if not isinstance(p, tuple)], lr)


class EpsilonInsideRoot(Adam):
    """√(v̂ + ε) for √v̂ + ε."""

    def step(self):
        s = self.state
        s["steps"] += 1
        b1, b2 = s["betas"]
        for (value, grad), m, v in zip(self.params, s["m"], s["v"], strict=True):
            m.mul_(b1).add_(grad, alpha=1 - b1)
            v.mul_(b2).addcmul_(grad, grad, value=1 - b2)
            m_hat = m / (1 - b1 ** s["steps"])
            v_hat = v / (1 - b2 ** s["steps"])
            value -= s["lr"] * m_hat / (v_hat + s["eps"]).sqrt()

    @classmethod
    def examples(cls):
        kwargs = {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-8}
        return [Example(kwargs, reference="torch.optim.Adam")]

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, lr, betas, eps)


class DampensTheFirst(PlainSGD):
    """Momentum as an average: the first step is 1 − momentum of the right one."""

    def __init__(self, params, lr, momentum=0.9):
        super().__init__(params, lr)
        self.state["momentum"] = momentum
        self.state["velocity"] = [torch.zeros_like(p.value) for p in self.params]

    def step(self):
        s = self.state
        for (value, grad), v in zip(self.params, s["velocity"], strict=True):
            v.lerp_(grad, 1 - s["momentum"])
            value -= s["lr"] * v

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.1, "momentum": 0.8}, reference="torch.optim.SGD")]


class ClipsEach(Clipped):
    """Clips each gradient by its own norm instead of the common one."""

    def step(self):
        for value, grad in self.params:
            factor = (self.state["norm"] / grad.norm()).clamp(max=1).nan_to_num()
            value -= self.state["lr"] * factor * grad

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.1, "norm": 2.0}, reference=clipped_rule)]


class HandsOutArrays(ArraysInState):
    """state_dict() gives the arrays themselves."""

    def state_dict(self):
        return {"lr": self.lr, "momentum": self.momentum, "velocity": self.velocity}


class KeepsLoadedArrays(ArraysInState):
    """load_state_dict() keeps the arrays that it is given."""

    def load_state_dict(self, state):
        vars(self).update(state)
