"""One optimizer for the matrices of a model, and another for the rest."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError, Example
from minidl_plugins_nn.hyperparameters import Number
from minidl_plugins_nn.optimizers.state import StatefulOptimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from minidl_core import Optimizer, Parameter

__all__ = ["Split"]


class RelativeRate(Number):
    """The learning rate of `Split`, which sets those of the optimizers inside."""

    def __set__(self, optimizer: Any, value: Any) -> None:
        super().__set__(optimizer, value)
        for inner, rate in zip(optimizer.inside, optimizer.rates, strict=True):
            inner.lr = rate * optimizer.lr


class Split(StatefulOptimizer):
    """Steps parameters of two dimensions by one optimizer, and all others by another::

        Split(model.param(), partial(Muon, lr=0.02), partial(AdamW, lr=3e-4))

    Args:
        params: what ``model.param()`` returns.
        matrices: makes the optimizer of the parameters of two dimensions. In an experiment's file
            it is written as an optimizer is: ``matrices = { Muon = { lr = 0.02 } }``.
        others: makes the optimizer of the others.

    Attributes:
        lr: what the learning rates of both are multiplied by; 1 at first.
        inside: the optimizers, of which one is missing if it has no parameters.

    Raises:
        ArgumentError: no parameters; an argument that makes no optimizer.
    """

    traceable = True

    lr = RelativeRate(least=0)

    def __init__(
        self,
        params: Iterable[Parameter],
        matrices: Callable[[Iterable[Parameter]], Optimizer],
        others: Callable[[Iterable[Parameter]], Optimizer],
    ) -> None:
        super().__init__(params)
        self.inside: list[Any] = []
        for name, make, wanted in (("matrices", matrices, True), ("others", others, False)):
            if not callable(make):
                raise ArgumentError(
                    f"{name} must make an optimizer over parameters, got {make!r}; write "
                    "functools.partial(AdamW, lr=1e-3)",
                    where="Split",
                )
            chosen = [p for p in self.params if (p.value.ndim == 2) is wanted]
            if chosen:
                self.inside.append(make(chosen))
        self.rates = [inner.lr for inner in self.inside]
        self.lr = 1.0

    def step(self) -> None:
        for inner in self.inside:
            inner.step()

    def state_dict(self) -> dict[str, Any]:
        inside = [inner.state_dict() for inner in self.inside]
        return {**super().state_dict(), "rates": list(self.rates), "inside": inside}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        load = self._loading(state)
        rates, states = state.get("rates", ()), state.get("inside", ())
        if not len(rates) == len(states) == len(self.inside):
            raise ArgumentError(
                f"expected the states of {len(self.inside)} optimizers, got {len(states)}; the "
                "state belongs to another model",
                where="Split",
            )
        before = [inner.state_dict() for inner in self.inside]
        try:
            for inner, given in zip(self.inside, states, strict=True):
                inner.load_state_dict(given)
        except Exception:
            for inner, own in zip(self.inside, before, strict=True):
                inner.load_state_dict(own)
            raise
        self.rates = list(rates)
        load()

    @classmethod
    def examples(cls) -> list[Example]:
        from minidl_plugins_nn.optimizers.sgd import SGD

        def make(params: Iterable[Parameter], **arguments: Any) -> Split:
            return cls(params, partial(SGD, **arguments), partial(SGD, **arguments))

        return [Example({"lr": 0.05, "momentum": 0.9}, make=make, reference="torch.optim.SGD")]
