"""An optimizer around another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError
from minidl_plugins_nn.optimizers.state import StatefulOptimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from minidl_core import Optimizer, Parameter

__all__ = ["Wrapper"]


class Wrapper(StatefulOptimizer):
    """Changes what another optimizer gets, or looks at what it did.

    Args:
        params: what ``model.param()`` returns.
        optimizer: makes the other: ``partial(SGD, lr=0.1)``. In an experiment's file it is written
            as an optimizer is: ``optimizer = { SGD = { lr = 0.1 } }``.

    Attributes:
        optimizer: the other.
        lr: its learning rate.
    """

    def __init__(
        self, params: Iterable[Parameter], optimizer: Callable[[Iterable[Parameter]], Optimizer]
    ) -> None:
        super().__init__(params)
        if not callable(optimizer):
            raise ArgumentError(
                f"optimizer must make an optimizer over parameters, got {optimizer!r}; write "
                "functools.partial(SGD, lr=0.1)",
                where=type(self).__name__,
            )
        self.optimizer = optimizer(self.params)

    @property
    def lr(self) -> Any:
        """The learning rate of the optimizer inside."""
        return self.optimizer.lr  # type: ignore[attr-defined]

    @lr.setter
    def lr(self, lr: Any) -> None:
        self.optimizer.lr = lr  # type: ignore[attr-defined]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        load = self._loading(state)
        if "optimizer" not in state:
            raise ArgumentError(
                "expected the state of a wrapped optimizer, got one without optimizer; it belongs "
                f"to an optimizer that is not in a {type(self).__name__}",
                where=type(self).__name__,
            )
        self.optimizer.load_state_dict(state["optimizer"])
        load()
