"""Rprop: steps by the sign of the gradient, of a size that each element finds for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import Example
from minidl_plugins_nn.hyperparameters import Number, Numbers
from minidl_plugins_nn.optimizers.rule import RuleOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_core import Parameter

__all__ = ["Rprop"]


class Rprop(RuleOptimizer):
    """p ← p − sign(g) · s, where s grows while the sign of g stays and shrinks when it turns.

    With g the gradient and h that of the step before::

        s ← clamp(s · η₊) where g h > 0,  clamp(s · η₋) where g h < 0,  clamp(s) else

    Where the sign turned, the element rests for one step, and its h is 0. It is made for whole
    data sets: with mini-batches the sign is noise.

    Args:
        params: what ``model.param()`` returns.
        lr: the size s of the first step, at least 0. It has no effect after that.
        etas: (η₋, η₊), with 0 < η₋ < 1 < η₊.
        step_sizes: the smallest and the largest s.
        maximize: whether to ascend the gradient.

    Raises:
        ArgumentError: no parameters; a number out of its range.
        ShapeError: a state of another model.

    Reference: M. Riedmiller and H. Braun, A direct adaptive method for faster backpropagation
    learning: the RPROP algorithm, ICNN 1993.
    """

    traceable = True
    tensors = ("steps", "previous", "sizes")

    lr = Number(least=0)
    etas = Numbers(Number(above=0, below=1), Number(above=1))
    step_sizes = Numbers(Number(least=0), Number(above=0))

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.etas, self.step_sizes = lr, etas, step_sizes
        self.maximize = maximize
        self.steps, self.previous, self.sizes = self.counter(), self.zeros(), self.zeros()

    def step(self) -> None:
        (shrink, grow), (smallest, largest) = self.etas, self.step_sizes
        first = self.steps.add_(1) == 1
        for p, h, s in zip(self.params, self.previous, self.sizes, strict=True):
            g = self.decayed_gradient(p)
            product = g * h
            size = torch.where(first, self.lr, s)
            size = torch.where(product > 0, grow * size, size)
            size = torch.where(product < 0, shrink * size, size)
            s.copy_(size.clamp(min=smallest).clamp(max=largest))
            h.copy_(torch.where(product < 0, 0.0, g))
            p.value.sub_(h.sign() * s)

    @classmethod
    def examples(cls) -> list[Example]:
        numbers = {"lr": 0.1, "etas": (0.6, 2.5), "step_sizes": (0.09, 0.2)}
        return [
            Example({"lr": 0.05}, reference="torch.optim.Rprop"),
            Example(numbers, reference="torch.optim.Rprop"),
        ]
