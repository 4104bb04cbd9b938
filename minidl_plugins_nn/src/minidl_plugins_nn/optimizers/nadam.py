"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import Example
from minidl_plugins_nn.hyperparameters import Number, Numbers
from minidl_plugins_nn.optimizers.averages import update_average
from minidl_plugins_nn.optimizers.rule import RuleOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from minidl_core import Parameter

__all__ = ["NAdam"]


class NAdam(RuleOptimizer):
    """p ← p − lr · (μₜ₊₁ m / (1 − Πμ·μₜ₊₁) + (1 − μₜ) g / (1 − Πμ)) / (√v̂ + ε).

    With g the gradient (plus λ p, the weight decay) at step t = 1, 2, …, and m and v starting
    at zero::

        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²      v̂ = v / (1 − β₂ᵗ)
        μₜ = β₁ (1 − ½ · 0.96^(t ψ)),   Πμ = μ₁ ⋯ μₜ

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0.
        betas: (β₁, β₂), each at least 0 and below 1.
        eps: ε, at least 0.
        weight_decay: λ, at least 0; for parameters that decay.
        momentum_decay: ψ, at least 0.
        decoupled_weight_decay: whether decay is p ← (1 − lr λ) p instead, as in AdamW.
        maximize: whether to ascend the gradient.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of another model.

    Reference: T. Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016.
    """

    traceable = True
    flags = ("maximize", "decoupled_weight_decay")
    tensors = ("steps", "mu_product", "m", "v")

    lr = Number(least=0)
    betas = Numbers(Number(least=0, below=1), Number(least=0, below=1))
    eps = Number(least=0)
    weight_decay = Number(least=0)
    momentum_decay = Number(least=0)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.momentum_decay = momentum_decay
        self.decoupled_weight_decay, self.maximize = decoupled_weight_decay, maximize
        self.steps, self.mu_product = self.counter(), self.counter(1)
        self.m, self.v = self.zeros(), self.zeros()

    def step(self) -> None:
        beta1, beta2 = self.betas
        t = self.steps.add_(1)
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * self.momentum_decay))
        self.mu_product.mul_(mu)
        of_g = self.lr * (1 - mu) / (1 - self.mu_product)
        of_m = self.lr * mu_next / (1 - self.mu_product * mu_next)
        unbias_v = 1 - beta2**t
        for p, m, v in zip(self.params, self.m, self.v, strict=True):
            g = self.decayed_gradient(p)
            update_average(m, g, beta1)
            update_average(v, g * g, beta2)
            p.value.sub_((of_m * m + of_g * g) / ((v / unbias_v).sqrt() + self.eps))

    @classmethod
    def examples(cls) -> list[Example]:
        numbers = {
            "lr": 0.1,
            "betas": (0.8, 0.95),
            "eps": 1e-3,
            "weight_decay": 0.1,
            "momentum_decay": 0.1,
        }
        return [
            Example({"lr": 0.05}, reference=_nadam),
            Example(numbers, reference=_nadam),
            Example({**numbers, "decoupled_weight_decay": True}, reference=_nadam),
        ]


def _nadam(
    p: float,
    grads: Sequence[float],
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
    decoupled_weight_decay: bool = False,
) -> list[float]:
    """NAdam for one number. (torch's own keeps Πμ in float32, and is right to 7 digits only.)"""
    values, m, v, product = [], 0.0, 0.0, 1.0
    for t, g in enumerate(grads, 1):
        if decoupled_weight_decay:
            p -= lr * weight_decay * p
        else:
            g = g + weight_decay * p
        mu, following = (betas[0] * (1 - 0.96 ** (k * momentum_decay) / 2) for k in (t, t + 1))
        product *= mu
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        look_ahead = following * m / (1 - product * following) + (1 - mu) * g / (1 - product)
        p -= lr * look_ahead / ((v / (1 - betas[1] ** t)) ** 0.5 + eps)
        values.append(p)
    return values
