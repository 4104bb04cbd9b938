"""One step for several batches: as if they were one large batch."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from minidl_core import Example
from minidl_plugins_nn.hyperparameters import Number
from minidl_plugins_nn.optimizers.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from minidl_core import Optimizer, Parameter

__all__ = ["Accumulate"]


class Accumulate(Wrapper):
    """Every K-th step is one of the optimizer inside, by the mean gradient of K batches.

    For a loss that is a mean, and batches of one size, that is the gradient of the K batches as
    one. The other steps change no parameter. A number of batches that is no multiple of K leaves
    a rest, which counts for the next step; it is part of the state. As not every step does the
    same, it is not traceable.

    Args:
        params: what ``model.param()`` returns.
        optimizer: makes the optimizer inside: ``partial(AdamW, lr=1e-3)``.
        batches: K, at least 1.

    Attributes:
        done: how many batches count for the next step so far.

    Raises:
        ArgumentError: no parameters; `batches` is no whole number of at least 1.
    """

    tensors = ("sums",)

    batches = Number(least=1, whole=True)
    done = Number(least=0, whole=True)

    def __init__(
        self,
        params: Iterable[Parameter],
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        batches: int,
    ) -> None:
        super().__init__(params, optimizer)
        self.batches = batches
        self.done, self.sums = 0, self.zeros()

    def step(self) -> None:
        self.done += 1
        for p, s in zip(self.params, self.sums, strict=True):
            s.add_(p.grad)
        if self.done >= self.batches:
            for p, s in zip(self.params, self.sums, strict=True):
                p.grad.copy_(s / self.done)
                s.zero_()
            self.done = 0
            self.optimizer.step()

    @classmethod
    def examples(cls) -> list[Example]:
        from minidl_plugins_nn.optimizers.sgd import SGD

        def of_one(params: Iterable[Parameter], **arguments: Any) -> Accumulate:
            return cls(params, partial(SGD, **arguments), batches=1)

        return [Example({"lr": 0.05, "momentum": 0.9}, make=of_one, reference="torch.optim.SGD")]
