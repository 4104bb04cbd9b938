"""Gradients made smaller before a step: all by their common norm, or each element by a bound."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

import torch

from minidl_core import Example
from minidl_plugins_nn.half import wide
from minidl_plugins_nn.hyperparameters import Number
from minidl_plugins_nn.optimizers.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from torch import Tensor

    from minidl_core import Optimizer, Parameter

__all__ = ["ClipNorm", "ClipValue"]


class ClipNorm(Wrapper):
    """g ← g · min(1, c / (‖g‖ + 10⁻⁶)), where ‖g‖ is the norm of all gradients as one vector.

    Gradients are changed in place, and the optimizer inside then makes its step. The norm of
    half-precision gradients is computed in float32.

    Args:
        params: what ``model.param()`` returns.
        optimizer: makes the optimizer inside: ``partial(AdamW, lr=1e-3)``.
        max_norm: c, at least 0.
        norm_type: of which p-norm, above 0; ``math.inf`` for the largest element.

    Attributes:
        norm: ‖g‖ before the latest step.

    Raises:
        ArgumentError: no parameters; a number out of its range.

    Reference: R. Pascanu et al., On the difficulty of training recurrent neural networks, ICML
    2013; torch.nn.utils.clip_grad_norm_.
    """

    traceable = True
    tensors = ("norm",)
    conformance_exceptions: ClassVar = {
        "matches_reference": "a reference is of one number, and the norm is of all of them",
    }

    max_norm = Number(least=0)
    norm_type = Number(above=0, infinite=True)

    def __init__(
        self,
        params: Iterable[Parameter],
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        max_norm: float = 1.0,
        norm_type: float = 2.0,
    ) -> None:
        super().__init__(params, optimizer)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.norm = self.counter()

    def step(self) -> None:
        norm: Callable[[Tensor], Tensor] = partial(torch.linalg.vector_norm, ord=self.norm_type)
        self.norm.copy_(norm(torch.stack([norm(wide(p.grad)) for p in self.params])))
        factor = (self.max_norm / (self.norm + 1e-6)).clamp(max=1)
        for p in self.params:
            p.grad.mul_(factor)
        self.optimizer.step()

    @classmethod
    def examples(cls) -> list[Example]:
        from minidl_plugins_nn.optimizers.sgd import SGD

        def make(
            params: Iterable[Parameter], lr: float, max_norm: float, norm_type: float
        ) -> ClipNorm:
            return cls(params, partial(SGD, lr=lr), max_norm, norm_type)

        return [Example({"lr": 0.1, "max_norm": 0.5, "norm_type": 3.0}, make=make)]


class ClipValue(Wrapper):
    """g ← min(max(g, −c), c), element by element.

    Gradients are changed in place, and the optimizer inside then makes its step.

    Args:
        params: what ``model.param()`` returns.
        optimizer: makes the optimizer inside: ``partial(AdamW, lr=1e-3)``.
        clip_value: c, at least 0.

    Raises:
        ArgumentError: no parameters; `clip_value` is negative or no finite number.

    Reference: torch.nn.utils.clip_grad_value_.
    """

    traceable = True
    conformance_exceptions: ClassVar = {"gradients_kept": "it clips them in place"}

    clip_value = Number(least=0)

    def __init__(
        self,
        params: Iterable[Parameter],
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        clip_value: float = 1.0,
    ) -> None:
        super().__init__(params, optimizer)
        self.clip_value = clip_value

    def step(self) -> None:
        for p in self.params:
            p.grad.copy_(p.grad.clamp(min=-self.clip_value).clamp(max=self.clip_value))
        self.optimizer.step()

    @classmethod
    def examples(cls) -> list[Example]:
        from minidl_plugins_nn.optimizers.sgd import SGD

        def make(params: Iterable[Parameter], lr: float, clip_value: float) -> ClipValue:
            return cls(params, partial(SGD, lr=lr), clip_value)

        return [Example({"lr": 0.05, "clip_value": 0.7}, make=make, reference=_clipped)]


def _clipped(p: float, grads: Sequence[float], lr: float, clip_value: float) -> list[float]:
    """Gradient descent for one number, whose gradient is between ±c."""
    values = []
    for g in grads:
        p -= lr * min(max(g, -clip_value), clip_value)
        values.append(p)
    return values
