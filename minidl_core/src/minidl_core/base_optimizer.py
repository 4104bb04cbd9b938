"""The convenience base class of optimizers: each parameter once, checked, and zeroed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from minidl_core.errors import ArgumentError, ParameterError
from minidl_core.parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from minidl_core.flat_parameters import FlatParameters

__all__ = ["BaseOptimizer"]


class BaseOptimizer(ABC):
    """What every optimizer would otherwise repeat.

    Args:
        params: what ``model.param()`` returns. A parameter that appears twice, because modules
            share it, is kept once, so that it is stepped once.

    Attributes:
        params: the parameters, each once, in the order given.
        flat: a `FlatParameters` over them, where the rule is one for every element; it makes
            zeroing and stepping a few operations for all of them together.

    Raises:
        ArgumentError: there is no parameter, or something other than parameters was given.
        ParameterError: two parameters share one value but not one gradient.
    """

    flat: FlatParameters | None = None

    def __init__(self, params: Iterable[Parameter]) -> None:
        unique: dict[int, Parameter] = {}
        for position, item in enumerate(self._listed(params)):
            parameter = self._as_parameter(position, item)
            known = unique.setdefault(id(parameter.value), parameter)
            if known.grad is not parameter.grad:
                raise ParameterError(
                    f"parameter {position} shares its value with an earlier one but not its "
                    "gradient; share the Parameter object itself between the modules",
                    where=type(self).__name__,
                )
        if not unique:
            raise ArgumentError(
                "expected at least one parameter, got none; a model without parameters needs no "
                "optimizer, and an iterator that was used up needs making anew",
                where=type(self).__name__,
            )
        self.params = list(unique.values())

    def zero_grad(self) -> None:
        """Set every gradient to zero, in place."""
        for parameter in self.flat.vectors() if self.flat else self.params:
            parameter.grad.zero_()

    @abstractmethod
    def step(self) -> None:
        """Change every parameter, in place, by its gradient."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on exactly, as copies: later steps do not change it."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what ``state_dict`` gave; `state` itself is left untouched."""

    def _listed(self, params: Iterable[Parameter]) -> list[Parameter]:
        try:
            iterator = iter(params)
        except TypeError:
            raise self._not_parameters(params) from None
        return list(iterator)

    def _as_parameter(self, position: int, item: Any) -> Parameter:
        if isinstance(item, Parameter):
            return item
        if isinstance(item, tuple) and len(item) == 2 and not isinstance(item[0], str):
            return Parameter(*item)
        raise self._not_parameters(item, f" at position {position}")

    def _not_parameters(self, got: object, position: str = "") -> ArgumentError:
        return ArgumentError(
            f"expected parameters as model.param() lists them, got {type(got).__name__}{position}; "
            "pass model.param()",
            where=type(self).__name__,
        )
