"""RAdam: Adam that trusts its second moment only once it has seen enough gradients."""

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

__all__ = ["RAdam"]


class RAdam(RuleOptimizer):
    """p ← p − lr · m̂ · r √(1 − β₂ᵗ) / (√v + ε) where ρ > 5, and p ← p − lr · m̂ before.

    With g the gradient (plus λ p, the weight decay) at step t = 1, 2, …, and m and v starting
    at zero::

        m ← β₁ m + (1 − β₁) g       m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²
        ρ∞ = 2 / (1 − β₂) − 1,   ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
        r² = (ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ)

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0.
        betas: (β₁, β₂), each at least 0 and below 1.
        eps: ε, at least 0.
        weight_decay: λ, at least 0; for parameters that decay.
        decoupled_weight_decay: whether decay is p ← (1 − lr λ) p instead, as in AdamW.
        maximize: whether to ascend the gradient.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of another model.

    Reference: L. Liu et al., On the variance of the adaptive learning rate and beyond, ICLR 2020.
    """

    traceable = True
    flags = ("maximize", "decoupled_weight_decay")
    tensors = ("steps", "m", "v")

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
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.decoupled_weight_decay, self.maximize = decoupled_weight_decay, maximize
        self.steps, self.m, self.v = self.counter(), self.zeros(), self.zeros()

    def step(self) -> None:
        beta1, beta2 = self.betas
        t = self.steps.add_(1)
        rate = self.lr / (1 - beta1**t)
        unbias_v = 1 - beta2**t
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / unbias_v
        trusted = length > 5
        length = torch.where(trusted, length, 5.0)  # r² may be negative before
        r = ((length - 4) * (length - 2) * longest / length).sqrt()
        rectified = r * (unbias_v / ((longest - 4) * (longest - 2))) ** 0.5
        for p, m, v in zip(self.params, self.m, self.v, strict=True):
            g = self.decayed_gradient(p)
            update_average(m, g, beta1)
            update_average(v, g * g, beta2)
            p.value.sub_(rate * m * torch.where(trusted, rectified / (v.sqrt() + self.eps), 1.0))

    @classmethod
    def examples(cls) -> list[Example]:
        numbers = {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}
        reference = "torch.optim.RAdam"
        return [
            Example({"lr": 0.05}, reference=reference),
            Example(numbers, reference=reference),
            Example({**numbers, "decoupled_weight_decay": True}, reference=reference),
        ]
