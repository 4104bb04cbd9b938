"""Muon: momentum whose steps are made orthogonal, for the matrices of hidden layers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from minidl_core import ArgumentError, Example, ShapeError
from minidl_plugins_nn.hyperparameters import Number, Numbers
from minidl_plugins_nn.optimizers.rule import RuleOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from minidl_core import Parameter

__all__ = ["Muon"]

ADJUSTMENTS = (None, "original", "match_rms_adamw")


class Muon(RuleOptimizer):
    """p ← (1 − lr λ) p − lr · s · O(b),  with  b ← μ b + (1 − μ) g.

    Here g is the gradient of a matrix (R, C), and O(b) is about U Vᵀ where b = U Σ Vᵀ: `ns_steps`
    iterations of X ← a X + (b A + c A²) X with A = X Xᵀ, from X = b / ‖b‖, in bfloat16. With
    `nesterov` it is O((1 − μ) g + μ b). The scale s is √max(1, R / C), or 0.2 √max(R, C) for
    ``"match_rms_adamw"``, with which lr and λ may be those of AdamW.

    In a stack the products are batched and rounded in another order, so that its models go where
    each goes alone to the few digits of bfloat16 only.

    Biases, norms and embeddings are no such matrices; `Split` gives them to another optimizer.

    Args:
        params: matrices; the parameters that ``model.param()`` returns and have two dimensions.
        lr: the learning rate, at least 0.
        weight_decay: λ, at least 0; for parameters that decay.
        momentum: μ, at least 0.
        nesterov: whether to look ahead by the momentum.
        ns_coefficients: (a, b, c).
        eps: the least that ‖b‖ counts as.
        ns_steps: how many iterations, at least 0 and below 100.
        adjust_lr_fn: None or ``"original"``, or ``"match_rms_adamw"``: the scale s.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a parameter is no matrix; a state of another model.

    Reference: K. Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024;
    J. Liu et al., Muon is scalable for LLM training, 2025.
    """

    traceable = True
    nesterov: bool = False
    conformance_exceptions: ClassVar = {
        "follows_sign": "the nearest orthogonal matrix may have an element of the other sign",
        "matches_reference": "torch's takes matrices alone; tests compare with it on those",
    }
    decoupled_weight_decay = True
    flags = ("nesterov", "adjust_lr_fn")
    tensors = ("b",)

    lr = Number(least=0)
    weight_decay = Number(least=0)
    momentum = Number(least=0)
    ns_coefficients = Numbers(Number(), Number(), Number())
    eps = Number(least=0)
    ns_steps = Number(least=0, below=100, whole=True)

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        super().__init__(params)
        for number, parameter in enumerate(self.params):
            if parameter.value.ndim != 2:
                raise ShapeError(
                    f"expected matrices, got parameter {number} of shape "
                    f"{tuple(parameter.value.shape)}; Split(params, matrices=Muon, others=AdamW) "
                    "gives it to another optimizer",
                    where="Muon",
                )
        if adjust_lr_fn not in ADJUSTMENTS:
            raise ArgumentError(
                f"adjust_lr_fn must be one of {', '.join(map(repr, ADJUSTMENTS))}, got "
                f"{adjust_lr_fn!r}",
                where="Muon",
            )
        self.lr, self.weight_decay, self.momentum, self.eps = lr, weight_decay, momentum, eps
        self.ns_coefficients, self.ns_steps = ns_coefficients, ns_steps
        self.nesterov, self.adjust_lr_fn = nesterov, adjust_lr_fn
        self.b = self.zeros()

    def step(self) -> None:
        mu = self.momentum
        for p, b in zip(self.params, self.b, strict=True):
            g = self.decayed_gradient(p)
            b.copy_(torch.lerp(b, g, 1 - mu))
            direction = torch.lerp(g, b, mu) if self.nesterov else b
            p.value.sub_(self.lr * self._scale(p.value) * self.orthogonal(direction))

    @classmethod
    def examples(cls) -> list[Example]:
        from minidl_plugins_nn.optimizers.sgd import SGD
        from minidl_plugins_nn.optimizers.split import Split

        def make(params: Iterable[Parameter], **arguments: Any) -> Split:
            return Split(params, partial(cls, **arguments), partial(SGD, lr=0.05))

        numbers: dict[str, Any] = {"weight_decay": 0.2, "momentum": 0.8, "eps": 1.5, "ns_steps": 4}
        numbers |= {"ns_coefficients": (3.0, -4.0, 2.0)}
        return [Example({"lr": 0.02, **numbers}, make=make)]

    def orthogonal(self, x: Tensor) -> Tensor:
        """Return about U Vᵀ of `x` = U Σ Vᵀ, by Newton and Schulz's iteration, in bfloat16."""
        a, b, c = self.ns_coefficients
        (rows, columns), of = x.shape, x.dtype
        x = x.bfloat16() if rows <= columns else x.bfloat16().T  # the smaller product
        x = x / x.norm().clamp(min=self.eps)
        for _ in range(self.ns_steps):
            gram = x @ x.T
            x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
        return (x if rows <= columns else x.T).to(of)

    def _scale(self, value: Tensor) -> float:
        rows, columns = value.shape
        if self.adjust_lr_fn == "match_rms_adamw":
            scale: float = 0.2 * max(rows, columns) ** 0.5
        else:
            scale = max(1.0, rows / columns) ** 0.5
        return scale
