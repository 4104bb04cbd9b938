"""Adam: steps of the size of the learning rate, whatever the size of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acme_nets.checks import finite_number
from acme_nets.optimizer_state import averages_like, check_keys, two_betas
from minidl_core import BaseOptimizer, Example

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from minidl_core import Parameter

__all__ = ["Adam"]


class Adam(BaseOptimizer):
    """p ← p − lr · m̂ / (√v̂ + ε), the equation of torch.optim.Adam (ε outside of the root).

    With g the gradient of p at step t = 1, 2, …, and m and v starting at zero::

        m ← β₁ m + (1 − β₁) g       m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²      v̂ = v / (1 − β₂ᵗ)

    Args:
        params: what ``model.param()`` returns.
        lr: the learning rate, at least 0. It may be changed between steps: ``optimizer.lr = …``.
        betas: (β₁, β₂), each at least 0 and less than 1.
        eps: ε, at least 0.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of other shapes than the parameters'.

    Reference: D. P. Kingma and J. Ba, Adam: a method for stochastic optimization, ICLR 2015.
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params)
        self.lr = finite_number("Adam", "lr", lr, least=0)
        self.betas = two_betas("Adam", betas)
        self.eps = finite_number("Adam", "eps", eps, least=0)
        self.steps = 0
        self.m = [p.value.new_zeros(p.value.shape) for p in self.params]
        self.v = [p.value.new_zeros(p.value.shape) for p in self.params]

    def step(self) -> None:
        self.steps += 1
        beta1, beta2 = self.betas
        unbias_m = 1 - beta1**self.steps
        unbias_v = 1 - beta2**self.steps
        for (value, grad), m, v in zip(self.params, self.m, self.v, strict=True):
            m.mul_(beta1).add_((1 - beta1) * grad)
            v.mul_(beta2).add_((1 - beta2) * grad * grad)
            value -= self.lr / unbias_m * m / ((v / unbias_v).sqrt() + self.eps)

    def state_dict(self) -> dict[str, Any]:
        return {
            "lr": self.lr,
            "betas": self.betas,
            "eps": self.eps,
            "steps": self.steps,
            "m": [m.clone() for m in self.m],
            "v": [v.clone() for v in self.v],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        check_keys("Adam", state, {"lr", "betas", "eps", "steps", "m", "v"})
        lr = finite_number("Adam", "lr", state["lr"], least=0)
        betas = two_betas("Adam", state["betas"])
        eps = finite_number("Adam", "eps", state["eps"], least=0)
        steps = int(finite_number("Adam", "steps", state["steps"], least=0))
        m = averages_like("Adam", self.params, state["m"])
        v = averages_like("Adam", self.params, state["v"])
        self.lr, self.betas, self.eps, self.steps, self.m, self.v = lr, betas, eps, steps, m, v

    @classmethod
    def examples(cls) -> list[Example]:
        reference = "torch.optim.Adam"
        return [
            Example({"lr": 0.05}, reference=reference),
            Example({"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-3}, reference=reference),
        ]
