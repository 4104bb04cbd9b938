"""Adam: steps of the size of the learning rate, whatever the size of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import Example
from minidl_plugins_nn.hyperparameters import Number, Numbers
from minidl_plugins_nn.optimizers.averages import update_average
from minidl_plugins_nn.optimizers.rule import RuleOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_core import Parameter

__all__ = ["Adam"]


class Adam(RuleOptimizer):
    """p ← p − lr · m̂ / (√v̂ + ε).

    With g the gradient (plus λ p, the weight decay) at step t = 1, 2, …, and m and v starting
    at zero::

        m ← β₁ m + (1 − β₁) g       m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²      v̂ = v / (1 − β₂ᵗ)

    With `amsgrad`, v̂ is made of the largest v so far.

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0.
        betas: (β₁, β₂), each at least 0 and below 1.
        eps: ε, at least 0.
        weight_decay: λ, at least 0; for parameters that decay.
        amsgrad: whether to divide by the largest v so far.
        maximize: whether to ascend the gradient.
        decoupled_weight_decay: whether decay is p ← (1 − lr λ) p instead, as in AdamW.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of another model.

    Reference: D. P. Kingma and J. Ba, Adam: a method for stochastic optimization, ICLR 2015;
    S. Reddi et al., On the convergence of Adam and beyond, ICLR 2018 (`amsgrad`).
    """

    traceable = True
    amsgrad: bool = False
    flags = ("maximize", "amsgrad", "decoupled_weight_decay")
    tensors = ("steps", "m", "v", "v_max")

    lr = Number(least=0)
    betas = Numbers(Number(least=0, below=1), Number(least=0, below=1))
    eps = Number(least=0)
    weight_decay = Number(least=0)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.amsgrad, self.maximize = amsgrad, maximize
        self.decoupled_weight_decay = decoupled_weight_decay
        self.steps, self.m, self.v = self.counter(), self.zeros(), self.zeros()
        self.v_max = self.zeros() if amsgrad else []

    def step(self) -> None:
        beta1, beta2 = self.betas
        self.steps.add_(1)
        rate = self.lr / (1 - beta1**self.steps)
        unbias_v = 1 - beta2**self.steps
        for number, (p, m, v) in enumerate(zip(self.params, self.m, self.v, strict=True)):
            g = self.decayed_gradient(p)
            update_average(m, g, beta1)
            update_average(v, g * g, beta2)
            if self.amsgrad:
                v = self.v_max[number].copy_(torch.maximum(self.v_max[number], v))
            denominator = (v / unbias_v).sqrt_().add_(self.eps)
            p.value.sub_((m / denominator).mul_(rate))

    @classmethod
    def examples(cls) -> list[Example]:
        numbers = {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}
        reference = f"torch.optim.{cls.__name__}"
        return [
            Example({"lr": 0.05}, reference=reference),
            Example(numbers, reference=reference),
            Example({**numbers, "amsgrad": True}, reference=reference),
        ]
