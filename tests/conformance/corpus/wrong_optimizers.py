"""Optimizers with one planted mistake in each."""

from __future__ import annotations

import copy
from typing import ClassVar

import torch

from minidl_core import Example, Parameter

from .right_optimizers import Adam, DecayedMomentum, Lion, PlainSGD, Stateful


class ConstantBiasCorrection(Adam):
    """1 − β for 1 − βᵗ."""

    def step(self):
        s = self.state
        steps, s["steps"] = s["steps"], 0
        super().step()
        s["steps"] = steps + 1


class NoBiasCorrection(Adam):
    """m and v as they are."""

    def step(self):
        s = self.state
        steps, s["steps"] = s["steps"], 10_000
        super().step()
        s["steps"] = steps + 1


class DecayIgnored(DecayedMomentum):
    """Takes a weight decay and forgets it."""

    def __init__(self, params, lr=0.1, momentum=0.0, weight_decay=0.0):
        super().__init__(params, lr, momentum)

    @classmethod
    def examples(cls):
        kwargs = {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.1}
        return [Example(kwargs, reference="torch.optim.SGD")]


class MomentumIgnored(DecayedMomentum):
    """Takes a momentum and forgets it."""

    def __init__(self, params, lr=0.1, momentum=0.0):
        super().__init__(params, lr)

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.05, "momentum": 0.5}, reference="torch.optim.SGD")]


class EpsilonIgnored(Adam):
    """Divides by √v̂ alone."""

    def __init__(self, params, lr=1e-3, eps=1e-8):
        super().__init__(params, lr, eps=0.0)

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.01, "eps": 1e-3}, reference="torch.optim.Adam")]


class DecoupledDecay(Adam):
    """AdamW's decay under Adam's name."""

    def step(self):
        s = self.state
        decay, s["weight_decay"] = s["weight_decay"], 0.0
        for value, _ in self.params:
            value *= 1 - s["lr"] * decay
        super().step()
        s["weight_decay"] = decay


class DampenedMomentum(DecayedMomentum):
    """v ← μ v + (1 − μ) g, which is another convention."""

    def step(self):
        s = self.state
        for (value, grad), v in zip(self.params, s["velocity"], strict=True):
            g = grad + s["decay"] * value
            v.mul_(s["momentum"]).add_(g, alpha=1 - s["momentum"])
            value -= s["lr"] * v


class SwappedBetas(Lion):
    """β₁ and β₂ the wrong way round."""

    def step(self):
        s = self.state
        s["betas"] = s["betas"][::-1]
        super().step()
        s["betas"] = s["betas"][::-1]


class StepsTwice(PlainSGD):
    """A shared parameter is stepped for each time it is listed."""

    def __init__(self, params, lr):
        params = list(params)
        super().__init__(params, lr)
        self.params = params


class StepsEachObject(PlainSGD):
    """Knows a shared parameter by its object, not by its value, and steps it once for each."""

    def __init__(self, params, lr):
        params = list({id(p): p for p in params}.values())
        super().__init__(params, lr)
        self.params = params


class UsesUpIterator(PlainSGD):
    """Looks through the parameters once to check them, and keeps what is left."""

    def __init__(self, params, lr):
        checked = list(params)
        super().__init__(checked, lr)
        self.params = list(params)


class OneStateForAll(DecayedMomentum):
    """The velocity is in the class: all instances share it."""

    shared: ClassVar[dict] = {}

    def step(self):
        kept = self.shared.setdefault("velocity", self.state["velocity"])
        self.state["velocity"] = kept
        super().step()

    def state_dict(self):
        return copy.deepcopy(self.state)


class DividesByGradient(PlainSGD):
    """The gradient divided by its size, also where that is zero."""

    conformance_exceptions: ClassVar = {"matches_reference": "no rule of one number"}

    def step(self):
        for value, grad in self.params:
            value -= self.state["lr"] * grad / grad.norm()


class Ascends(PlainSGD):
    """p ← p + lr g."""

    def step(self):
        for value, grad in self.params:
            value += self.state["lr"] * grad


class Overshoots(PlainSGD):
    """A step so large that it climbs the other side."""

    def step(self):
        for value, grad in self.params:
            value -= 50 * self.state["lr"] * grad

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.1}, reference="torch.optim.SGD")]


class ReplacesValue(PlainSGD):
    """Puts a new tensor where modules hold the old one."""

    def step(self):
        for parameter in self.params:
            parameter.value = parameter.value - self.state["lr"] * parameter.grad


class StepsACopy(PlainSGD):
    """Changes copies, and the model stays as it is."""

    def __init__(self, params, lr):
        super().__init__(params, lr)
        self.params = [Parameter(p.value.clone(), p.grad) for p in self.params]


class DecaysGradient(DecayedMomentum):
    """Adds weight decay to the gradient itself."""

    def step(self):
        for value, grad in self.params:
            grad += self.state["decay"] * value
        decay, self.state["decay"] = self.state["decay"], 0.0
        super().step()
        self.state["decay"] = decay


class ZeroesNothing(PlainSGD):
    """zero_grad() drops its references, and the gradients stay."""

    def zero_grad(self):
        for _, grad in self.params:
            grad = torch.zeros_like(grad)


class ReplacesGradient(PlainSGD):
    """zero_grad() puts new tensors where modules hold the old ones."""

    def zero_grad(self):
        for parameter in self.params:
            parameter.grad = torch.zeros_like(parameter.grad)


class LosesVelocity(DecayedMomentum):
    """Does not take the velocity over."""

    def load_state_dict(self, state):
        kept = self.state["velocity"]
        super().load_state_dict(state)
        self.state["velocity"] = kept


class LosesStepCount(Adam):
    """Does not save how many steps there were."""

    def state_dict(self):
        return dict(super().state_dict(), steps=0)


class ForgetsLearningRate(DecayedMomentum):
    """Goes on with the learning rate it was built with, not the one it was stopped at."""

    def load_state_dict(self, state):
        lr = self.state["lr"]
        super().load_state_dict(state)
        self.state["lr"] = lr


class HandsOutState(Adam):
    """state_dict() gives its own tensors away."""

    def state_dict(self):
        return dict(self.state)


class KeepsLoadedState(Adam):
    """load_state_dict() goes on with the caller's tensors."""

    def load_state_dict(self, state):
        self.state = dict(state)


class AcceptsNothing(Stateful):
    """An empty list of parameters, such as a used-up iterator leaves, is fine with it."""

    def __init__(self, params, lr):
        self.params = list(params)
        self.state = {"lr": lr}

    def step(self):
        for value, grad in self.params:
            value -= self.state["lr"] * grad

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.1}, reference="torch.optim.SGD")]


class GlobalJitter(PlainSGD):
    """Noise from where nobody can seed it."""

    def step(self):
        for value, grad in self.params:
            value -= self.state["lr"] * grad * (1 + 1e-12 * torch.rand_like(grad))


class CountsSteps(PlainSGD):
    """The steps of all instances together make the learning rate smaller."""

    steps = 0

    def step(self):
        CountsSteps.steps += 1
        for value, grad in self.params:
            value -= self.state["lr"] * grad / (1 + CountsSteps.steps / 1e6)


class UpcastsValue(PlainSGD):
    """The tensor stays the same, and what it holds becomes float64."""

    def step(self):
        for value, grad in self.params:
            value.data = value.double() - self.state["lr"] * grad.double()


class RecordsStep(PlainSGD):
    """Leaves the derivative of a penalty to autograd."""

    def step(self):
        for value, grad in self.params:
            with torch.enable_grad():
                leaf = value.clone().requires_grad_()
                (penalty,) = torch.autograd.grad(0.01 * leaf.square().sum(), leaf)
            value -= self.state["lr"] * (grad + penalty)


class FlatViews(PlainSGD):
    """A view of what need not be contiguous."""

    def step(self):
        for value, grad in self.params:
            value.view(-1).sub_(grad.view(-1), alpha=self.state["lr"])


class SinglePrecisionState(DecayedMomentum):
    """A velocity of float32, whatever the parameter is: refused or rounded where they differ."""

    def __init__(self, params, lr=0.1, momentum=0.0):
        super().__init__(params, lr, momentum)
        self.state["velocity"] = [v.float() for v in self.state["velocity"]]

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.05, "momentum": 0.5}, reference="torch.optim.SGD")]


class NeverSaid(Stateful):
    """A rule with no second account of it."""

    def __init__(self, params, lr):
        super().__init__(params, lr=lr)

    def step(self):
        for value, grad in self.params:
            value -= self.state["lr"] * grad * grad.abs().sqrt()

    @classmethod
    def examples(cls):
        return [Example({"lr": 0.01})]
