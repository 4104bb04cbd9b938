"""Data parallelism: each process has a part of the batch, and all of them the same step."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import distributed

from minidl_core import ArgumentError, BaseOptimizer, Example, StateError
from minidl_plugins_distributed.collectives import add_up, broadcast, who
from minidl_plugins_distributed.errors import NonFiniteElsewhereError
from minidl_plugins_distributed.flat_parameters import FlatParameters
from minidl_plugins_distributed.launch import how_to_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch import Tensor

    from minidl_core import Optimizer, Parameter

__all__ = ["DataParallel"]

NOT_FINITE = "the loss is NaN or infinite"


class DataParallel(BaseOptimizer):
    """The step of another optimizer, with the gradient of the batch that W ranks have together::

        g = Σᵣ (nᵣ / N) gᵣ        r = 0 … W − 1,  N = Σᵣ nᵣ

    Here gᵣ is the gradient of the mean over the nᵣ rows that rank r has of the batch's N, so that g
    is that of the mean over all of them, also where N is no multiple of W. It holds for a loss that
    is a mean over rows, and modules that treat each row by itself. After a step the gradient of
    every rank is g, the same bits, and so are the parameters.

    The gradient is one vector for each dtype, and one collective operation a step adds it up.

    Args:
        params: what ``model.param()`` returns. On construction they become those of rank 0.
        optimizer: makes the optimizer over them: ``partial(SGD, lr=0.1)``. In an experiment's file
            it is written as an optimizer is: ``optimizer = { SGD = { lr = 0.1 } }``.
        timeout: how many seconds a run waits for a rank before it ends; None for two minutes. (In
            a program of one's own, ``init_process_group`` has the argument for that.)

    Attributes:
        optimizer: the one that it makes.
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
        self.flat = FlatParameters(self.params)
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
        """The learning rate of the optimizer inside."""
        lr: float = self.optimizer.lr  # type: ignore[attr-defined]
        return lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self.optimizer.lr = lr  # type: ignore[attr-defined]

    def share(self, rows: Tensor) -> Tensor:
        """This rank's part of the `rows` of a batch; the next step weighs its gradient by it.

        A rank for which there is no row gets the first, and its gradient counts for nothing.
        """
        start, stop = self.span(len(rows))
        self.weight = (stop - start) / len(rows)
        return rows[start:stop] if stop > start else rows[:1]

    def span(self, count: int) -> tuple[int, int]:
        """Where this rank's part of `count` rows starts and stops."""
        return count * self.rank // self.size, count * (self.rank + 1) // self.size

    def match_structure(self, optimizers: Sequence[DataParallel]) -> None:
        """Refuse to be stacked: `stack` calls this, and operations between processes do not batch.

        Raises:
            ArgumentError: always.
        """
        raise ArgumentError(
            "it adds up gradients between processes, which cannot be done for a stack of models; "
            "train the models one after another",
            where="DataParallel",
        )

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
        """Say to the other ranks, which are in `step`, that there is no gradient here.

        Raises:
            PeerError: a rank did not take part.
        """
        vectors = self.flat.vectors()
        for vector in vectors:
            vector.grad.fill_(math.nan)
            add_up(vector.grad, "the sum of the gradients")
        who(True, vectors[0].grad.device, NOT_FINITE)

    def state_dict(self) -> dict[str, Any]:
        """That of the optimizer inside, so that it fits any number of ranks, and none."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.optimizer.load_state_dict(state)


def _marked(vectors: list[Parameter]) -> bool:
    """Whether the sum may be of a rank that gave up: then its last element is NaN.

    It is a gap, or of the last parameter, which may be NaN for other reasons; `who` tells.
    """
    last = vectors[-1].grad
    return bool(last.numel()) and math.isnan(last[-1].item())
