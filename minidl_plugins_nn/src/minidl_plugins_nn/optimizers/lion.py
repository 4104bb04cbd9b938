"""Lion: steps by the sign of an average of the gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import Example
from minidl_plugins_nn.hyperparameters import Number, Numbers
from minidl_plugins_nn.optimizers.averages import update_average
from minidl_plugins_nn.optimizers.rule import RuleOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from minidl_core import Parameter

__all__ = ["Lion"]


class Lion(RuleOptimizer):
    """p ← (1 − lr λ) p − lr · sign(β₁ m + (1 − β₁) g), and then m ← β₂ m + (1 − β₂) g.

    Here g is the gradient, and m starts at zero. Every element moves by lr, so lr is about a tenth
    of what suits Adam, and λ about ten times as much.

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0.
        betas: (β₁, β₂), each at least 0 and below 1.
        weight_decay: λ, at least 0; for parameters that decay.
        maximize: whether to ascend the gradient.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of another model.

    Reference: X. Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023.
    """

    traceable = True
    decoupled_weight_decay = True
    tensors = ("m",)

    lr = Number(least=0)
    betas = Numbers(Number(least=0, below=1), Number(least=0, below=1))
    weight_decay = Number(least=0)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.betas, self.weight_decay = lr, betas, weight_decay
        self.maximize = maximize
        self.m = self.zeros()

    def step(self) -> None:
        beta1, beta2 = self.betas
        for p, m in zip(self.params, self.m, strict=True):
            g = self.decayed_gradient(p)
            p.value.sub_(self.lr * (beta1 * m + (1 - beta1) * g).sign())
            update_average(m, g, beta2)

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example({"lr": 0.01}, reference=_lion),
            Example({"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1}, reference=_lion),
        ]


def _lion(
    p: float,
    grads: Sequence[float],
    lr: float,
    betas: tuple[float, float] = (0.9, 0.99),
    weight_decay: float = 0.0,
) -> list[float]:
    """Algorithm 2 of the paper for one number."""
    values, m = [], 0.0
    for g in grads:
        c = betas[0] * m + (1 - betas[0]) * g
        p = p - lr * ((c > 0) - (c < 0) + weight_decay * p)
        m = betas[1] * m + (1 - betas[1]) * g
        values.append(p)
    return values
