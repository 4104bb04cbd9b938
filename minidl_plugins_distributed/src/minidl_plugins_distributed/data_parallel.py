"""Data parallelism: each process computes on its share of a batch, and all make the same step."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import distributed

from minidl_core import ArgumentError, BaseOptimizer, Example, StateError
from minidl_plugins_basic import FlatParameters
from minidl_plugins_distributed.collectives import add_up, broadcast, who
from minidl_plugins_distributed.errors import NonFiniteElsewhereError
from minidl_plugins_distributed.launch import how_to_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import Tensor

    from minidl_core import Optimizer, Parameter

__all__ = ["DataParallel"]

NOT_FINITE = "the loss is NaN or infinite"


class DataParallel(BaseOptimizer):
    """Wraps an optimizer, and gives it the gradient of the whole batch that W ranks share::

        g = Σᵣ (nᵣ / N) gᵣ        r = 0 … W − 1,  N = Σᵣ nᵣ

    Rank r has nᵣ of the batch's N rows, and gᵣ is the gradient of the mean over them. Then g is the
    gradient of the mean over all N rows, also if W does not divide N. This holds for a loss that is
    a mean over rows and for modules that treat each row by itself. After a step every rank has the
    same gradient g and the same parameters, to the bit.

    The gradient is one vector for each dtype; one collective operation a step sums it.

    Args:
        params: what ``model.param()`` returns. They are set to those of rank 0.
        optimizer: makes the wrapped optimizer: ``partial(SGD, lr=0.1)``. In an experiment's file,
            write it as any optimizer: ``optimizer = { SGD = { lr = 0.1 } }``.
        timeout: how many seconds a run waits for a rank before it ends; None means two minutes.
            (In your own program, give it to ``init_process_group`` instead.)

    Attributes:
        optimizer: the wrapped optimizer.
        weight: nᵣ / N of the next step; `share` sets it.

    Raises:
        StateError: this process is in no process group.
        ArgumentError: no parameters; `timeout` is not above 0.

    Reference: S. Li et al., PyTorch Distributed: Experiences on Accelerating Data Parallel
    Training, VLDB 2020.
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        timeout: float | None = None,
    ) -> None:
        super().__init__(params)
        if timeout is not None and not (
            isinstance(timeout, (int, float)) and 0 < timeout < math.inf
        ):
            raise ArgumentError(
                f"timeout must be a finite number of seconds above 0, got {timeout!r}",
                where="DataParallel",
            )
        if not distributed.is_initialized():
            raise StateError(
                "it averages over the processes of a group, and this process is in none; "
                f"{how_to_start()}",
                where="DataParallel",
            )
        self.optimizer = optimizer(self.params)
        self.flat: FlatParameters = getattr(self.optimizer, "flat", None) or FlatParameters(
            self.params
        )
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
        self.weight = 1 / self.size
        for vector in self.flat.vectors():
            broadcast(vector.value, "the parameters of rank 0")

    @classmethod
    def examples(cls) -> list[Example]:
        from minidl_plugins_basic import SGD

        def make(params: Iterable[Parameter], **arguments: Any) -> DataParallel:
            if not distributed.is_initialized():  # a group of this process alone
                store = distributed.HashStore()  # type: ignore[attr-defined]
                distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
            return cls(params, partial(SGD, **arguments))

        return [
            Example({"lr": 0.05, "momentum": 0.9}, make=make, reference="torch.optim.SGD"),
        ]

    @property
    def lr(self) -> float:
        """The learning rate of the wrapped optimizer."""
        lr: float = self.optimizer.lr  # type: ignore[attr-defined]
        return lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self.optimizer.lr = lr  # type: ignore[attr-defined]

    def share(self, rows: Tensor) -> Tensor:
        """Return this rank's share of the `rows` of a batch, and set the weight of the next step.

        A rank whose share is empty gets the first row, and its gradient has weight 0.
        """
        start, stop = self.span(len(rows))
        self.weight = (stop - start) / len(rows)
        return rows[start:stop] if stop > start else rows[:1]

    def span(self, count: int) -> tuple[int, int]:
        """Return where this rank's share of `count` rows starts and stops."""
        return count * self.rank // self.size, count * (self.rank + 1) // self.size

    def zero_grad(self) -> None:
        self.optimizer.zero_grad()

    def step(self) -> None:
        """Average the gradients, and step.

        Raises:
            NonFiniteElsewhereError: another rank gave up. No parameter is changed.
            PeerError: a rank did not take part.
        """
        vectors = self.flat.vectors()
        for vector in vectors:
            if not self.weight:
                vector.grad.zero_()  # and not 0 · g, which may be NaN
            elif self.weight != 1:
                vector.grad.mul_(self.weight)
            add_up(vector.grad, "the sum of the gradients")
        if _marked(vectors) and (ranks := who(False, vectors[0].grad.device, NOT_FINITE)):
            named = ", ".join(map(str, ranks))
            raise NonFiniteElsewhereError(
                f"{NOT_FINITE} on rank {named}; this step changed no parameter. Clean the data, "
                "lower the learning rate, or start from other weights"
            )
        self.optimizer.step()

    def give_up(self) -> None:
        """Tell the other ranks, which wait in `step`, that this rank has no gradient.

        Raises:
            PeerError: a rank did not take part.
        """
        vectors = self.flat.vectors()
        for vector in vectors:
            vector.grad.fill_(math.nan)
            add_up(vector.grad, "the sum of the gradients")
        who(True, vectors[0].grad.device, NOT_FINITE)

    def state_dict(self) -> dict[str, Any]:
        """Return that of the wrapped optimizer, so that it fits any number of ranks."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.optimizer.load_state_dict(state)


def _marked(vectors: list[Parameter]) -> bool:
    """Return whether a rank may have given up: then the last element of the sum is NaN.

    It may be NaN for other reasons as well; `who` decides.
    """
    last = vectors[-1].grad
    return bool(last.numel()) and math.isnan(last[-1].item())
