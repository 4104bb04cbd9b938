"""The base class of optimizers: each parameter once, checked, and zeroed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from minidl_core.errors import ArgumentError, ParameterError, StateError
from minidl_core.parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["BaseOptimizer"]


class BaseOptimizer(ABC):
    """What every optimizer would otherwise repeat.

    Args:
        params: what ``model.param()`` or ``model.named_param()`` returns. A parameter that appears
            twice, because modules share it, is kept once, so that it is stepped once.

    Attributes:
        params: the trainable parameters, each once, in the order given; ``step`` changes these.
        traceable: a class sets it to True to declare that ``zero_grad`` and ``step`` are nothing
            but tensor operations, the same at every step.

    Raises:
        ArgumentError: there is no trainable parameter, or something else was given.
        ParameterError: two parameters share one value but not one gradient.
    """

    traceable: ClassVar[bool] = False

    def __init__(self, params: Iterable[Parameter] | Iterable[tuple[str, Parameter]]) -> None:
        try:
            iterator = iter(params)
        except TypeError:
            raise self._not_parameters(params) from None
        unique: dict[int, Parameter] = {}
        for position, item in enumerate(iterator):
            parameter = self._as_parameter(position, item)
            known = unique.setdefault(id(parameter.value), parameter)
            if known.grad is not parameter.grad:
                raise ParameterError(
                    f"parameter {position} shares its value with an earlier one but not its "
                    "gradient; share the Parameter object itself between the modules",
                    where=type(self).__name__,
                )
        self._given = tuple(unique.values())
        self._trainable = [parameter.trainable for parameter in self._given]
        self.params = [parameter for parameter in self._given if parameter.trainable]
        if not self.params:
            got = f"{len(unique)} frozen ones" if unique else "none"
            raise ArgumentError(
                f"expected at least one parameter to train, got {got}; a model without parameters "
                "needs no optimizer, and an iterator that was used up needs making anew",
                where=type(self).__name__,
            )

    def zero_grad(self) -> None:
        """Set every gradient to zero, in place, those of frozen parameters too.

        Raises:
            StateError: a parameter was frozen or unfrozen after the optimizer was made.
        """
        if [parameter.trainable for parameter in self._given] != self._trainable:
            raise StateError(
                "a parameter was frozen or unfrozen after the optimizer was made; make the "
                "optimizer anew",
                where=type(self).__name__,
            )
        for parameter in self._given:
            parameter.grad.zero_()

    @abstractmethod
    def step(self) -> None:
        """Change every parameter of ``params``, in place, by its gradient."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on exactly, as copies: later steps do not change it."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what ``state_dict`` gave; `state` itself is left untouched."""

    def _as_parameter(self, position: int, item: Any) -> Parameter:
        if isinstance(item, tuple) and len(item) == 2:
            if not isinstance(item[0], str):
                return Parameter(*item)
            item = item[1]
        if not isinstance(item, Parameter):
            raise self._not_parameters(item, f" at position {position}")
        return item

    def _not_parameters(self, got: object, position: str = "") -> ArgumentError:
        return ArgumentError(
            f"expected parameters as model.param() lists them, got {type(got).__name__}{position}; "
            "pass model.param()",
            where=type(self).__name__,
        )
