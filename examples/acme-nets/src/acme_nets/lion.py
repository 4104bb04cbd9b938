"""Lion: steps by the sign of an average of the gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acme_nets.checks import finite_number
from acme_nets.optimizer_state import averages_like, check_keys, two_betas
from minidl_core import BaseOptimizer, Example

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from minidl_core import Parameter

__all__ = ["Lion"]


class Lion(BaseOptimizer):
    """p ← p − lr · (sign(β₁ m + (1 − β₁) g) + λ p), and then m ← β₂ m + (1 − β₂) g.

    Here g is the gradient of p, m starts at zero, and λ is 0 where ``Parameter.decays`` is False.
    Every element moves by lr, so lr is about a tenth of what suits Adam. The decay λ is decoupled:
    it does not enter m.

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0. It may be changed between steps: ``optimizer.lr = …``.
        betas: (β₁, β₂), each at least 0 and less than 1.
        weight_decay: λ, at least 0.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of other shapes than the parameters'.

    Reference: X. Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023.
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params)
        self.lr = finite_number("Lion", "lr", lr, least=0)
        self.betas = two_betas("Lion", betas)
        self.weight_decay = finite_number("Lion", "weight_decay", weight_decay, least=0)
        self.m = [p.value.new_zeros(p.value.shape) for p in self.params]

    def step(self) -> None:
        beta1, beta2 = self.betas
        for p, m in zip(self.params, self.m, strict=True):
            value, grad = p
            direction = (beta1 * m + (1 - beta1) * grad).sign()
            if p.decays:
                direction += self.weight_decay * value
            value -= self.lr * direction
            m.mul_(beta2).add_((1 - beta2) * grad)

    def state_dict(self) -> dict[str, Any]:
        return {
            "lr": self.lr,
            "betas": self.betas,
            "weight_decay": self.weight_decay,
            "m": [m.clone() for m in self.m],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        check_keys("Lion", state, {"lr", "betas", "weight_decay", "m"})
        lr = finite_number("Lion", "lr", state["lr"], least=0)
        betas = two_betas("Lion", state["betas"])
        weight_decay = finite_number("Lion", "weight_decay", state["weight_decay"], least=0)
        m = averages_like("Lion", self.params, state["m"])
        self.lr, self.betas, self.weight_decay, self.m = lr, betas, weight_decay, m

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example({"lr": 0.01}, reference=_lion),
            Example(
                {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1},
                reference=_lion,
            ),
        ]


def _lion(
    p: float,
    grads: Sequence[float],
    lr: float,
    betas: tuple[float, float] = (0.9, 0.99),
    weight_decay: float = 0.0,
) -> list[float]:
    """Algorithm 2 of the paper for one number, which the conformance kit compares `Lion` with."""
    values, m = [], 0.0
    for g in grads:
        c = betas[0] * m + (1 - betas[0]) * g
        p = p - lr * ((c > 0) - (c < 0) + weight_decay * p)
        m = betas[1] * m + (1 - betas[1]) * g
        values.append(p)
    return values
