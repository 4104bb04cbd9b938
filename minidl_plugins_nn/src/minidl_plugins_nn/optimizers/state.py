"""The state of an optimizer: numbers, switches and tensors, saved and loaded by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from minidl_core import ArgumentError, BaseOptimizer, ShapeError
from minidl_plugins_nn.half import wide
from minidl_plugins_nn.hyperparameters import hyperparameters_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["StatefulOptimizer"]


class StatefulOptimizer(BaseOptimizer):
    """An optimizer whose state is tensors that are made once and changed in place.

    A subclass declares its numbers as `Hyperparameter` attributes and names the rest of its state
    in `flags` and `tensors`; ``state_dict`` and ``load_state_dict`` follow from these.

    Attributes:
        flags: the names of its switches. They are fixed once it is made.
        tensors: the names of its state: a tensor, or a list with one for each parameter.
    """

    flags: ClassVar[tuple[str, ...]] = ()
    tensors: ClassVar[tuple[str, ...]] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.flags and name in vars(self) and vars(self)[name] != value:
            raise ArgumentError(
                f"{name} is fixed once the optimizer is made, as {vars(self)[name]!r}, got "
                f"{value!r}; make the optimizer anew",
                where=type(self).__name__,
            )
        is_switch = name in self.flags and isinstance(getattr(type(self), name, None), bool)
        if is_switch and not isinstance(value, bool):
            raise ArgumentError(
                f"{name} must be True or False, got {value!r}", where=type(self).__name__
            )
        super().__setattr__(name, value)

    def zeros(self) -> list[Tensor]:
        """Return a tensor of zeros for each parameter: float32 where it is in half precision."""
        return [torch.zeros_like(wide(parameter.value)) for parameter in self.params]

    def counter(self, start: float = 0.0) -> Tensor:
        """Return a number that steps change: a 0-dim tensor in float64, beside the parameters.

        Raises:
            ArgumentError: the parameters are on several devices.
        """
        devices = {parameter.value.device for parameter in self.params}
        if len(devices) > 1:
            raise ArgumentError(
                f"expected all parameters on one device, got {sorted(map(str, devices))}; move the "
                "model to one, or make an optimizer for each",
                where=type(self).__name__,
            )
        return torch.full((), start, dtype=torch.float64, device=devices.pop())

    def state_dict(self) -> dict[str, Any]:
        plain = (*hyperparameters_of(type(self)), *self.flags)
        state = {name: getattr(self, name) for name in plain}
        return {**state, **{name: _copied(getattr(self, name)) for name in self.tensors}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what ``state_dict`` gave; raise, and change nothing, if it does not fit.

        Raises:
            ArgumentError: something is missing, a number out of its range, or it is the state of
                an optimizer with other switches.
            ShapeError: it is the state of another model.
        """
        self._loading(state)()

    def _loading(self, state: Mapping[str, Any]) -> Callable[[], None]:
        """Return what takes `state` over, after checking all of it."""
        numbers, where = hyperparameters_of(type(self)), type(self).__name__
        missing = [n for n in (*numbers, *self.flags, *self.tensors) if n not in state]
        if missing:
            raise ArgumentError(
                f"expected the state that {where}.state_dict() gives, got one without "
                f"{', '.join(missing)}",
                where=where,
            )
        for name in self.flags:
            if state[name] != getattr(self, name):
                raise ArgumentError(
                    f"the state is of an optimizer with {name}={state[name]!r}, and this one has "
                    f"{name}={getattr(self, name)!r}; make it with the same arguments",
                    where=where,
                )
        new = {name: number.checked(self, state[name]) for name, number in numbers.items()}
        pairs = [pair for name in self.tensors for pair in self._pairs(name, state[name])]

        def load() -> None:
            for name, value in new.items():
                setattr(self, name, value)
            for own, given in pairs:
                own.copy_(given)

        return load

    def _pairs(self, name: str, given: Any) -> list[tuple[Tensor, Tensor]]:
        """Return the tensors of state `name` beside those of `given`, if the shapes fit."""
        own = _listed(getattr(self, name))
        theirs = [torch.as_tensor(each) for each in _listed(given)]
        expected, got = [tuple(t.shape) for t in own], [tuple(t.shape) for t in theirs]
        if got != expected:
            raise ShapeError(
                f"expected {name} of the shapes {expected}, got {got}; the state belongs to "
                "another model, or to an optimizer made with other arguments",
                where=type(self).__name__,
            )
        return list(zip(own, theirs, strict=True))


def _listed(tensors: Any) -> list[Any]:
    return list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]


def _copied(tensors: Any) -> Any:
    return tensors.clone() if isinstance(tensors, Tensor) else [each.clone() for each in tensors]
