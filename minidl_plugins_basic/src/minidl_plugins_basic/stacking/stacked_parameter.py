"""The parameter of a stack, and what it remembers of the models it was made of."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import ArgumentError, DeviceError, DtypeError, Parameter, ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["Group", "StackedParameter", "same", "stacked_of"]

_STACKED: weakref.WeakKeyDictionary[Parameter, weakref.ref[StackedParameter]] = (
    weakref.WeakKeyDictionary()
)


class Group:
    """What the model, the loss and the optimizers of one stack share.

    Attributes:
        finite: (K,), whether the loss of each model is finite in this step; None if unknown.
    """

    def __init__(self) -> None:
        self.finite: Tensor | None = None


class StackedParameter(Parameter):
    """K parameters of one name as one, of shape (K, …).

    Attributes:
        group: what it shares with the other parameters of its stack.
        origins: weak references to the K parameters that it was made of.
        parts: weak references to those that the latest `unstack` gave.
    """

    __slots__ = ("group", "origins", "parts")

    group: Group
    origins: list[weakref.ref[Parameter]]
    parts: list[weakref.ref[Parameter]]

    def __init__(self, name: str, parameters: Sequence[Parameter], group: Group) -> None:
        for what in ("decays", "trainable"):
            same(name, what, [getattr(parameter, what) for parameter in parameters])
        super().__init__(
            stacked_tensors(name, [parameter.value for parameter in parameters]),
            torch.stack([parameter.grad for parameter in parameters]),
            decays=parameters[0].decays,
            trainable=parameters[0].trainable,
        )
        self.group = group
        self.origins = [weakref.ref(parameter) for parameter in parameters]
        self.parts = []
        for parameter in parameters:
            _STACKED[parameter] = weakref.ref(self)

    def window(self, k: int, kind: type[Parameter]) -> Parameter:
        """Return model `k`'s part as a parameter of its own, which shares memory with this one."""
        value, grad, decays, trainable = self.value[k], self.grad[k], self.decays, self.trainable
        if issubclass(kind, StackedParameter):
            return _rebuilt(value, grad, decays, trainable, Group())
        return Parameter(value, grad, decays=decays, trainable=trainable)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles do not belong to the models that this was made of."""
        state = (self.value, self.grad, self.decays, self.trainable, self.group)
        return _rebuilt, state

    def __repr__(self) -> str:
        return f"StackedParameter{tuple(self.value.shape)}"


def stacked_of(parameter: Parameter) -> StackedParameter | None:
    """Return the parameter of the latest stack that `parameter` went into, if that still lives."""
    reference = _STACKED.get(parameter)
    return reference() if reference else None


def stacked_tensors(name: str, tensors: Sequence[Tensor]) -> Tensor:
    """Return a copy of `tensors` as one, if they are alike.

    Raises:
        ShapeError, DtypeError, DeviceError: they are not.
    """
    same(name, "shape", [tuple(tensor.shape) for tensor in tensors], ShapeError)
    same(name, "dtype", [tensor.dtype for tensor in tensors], DtypeError)
    same(name, "device", [tensor.device for tensor in tensors], DeviceError)
    return torch.stack(list(tensors))


def same(name: str, what: str, values: Sequence[Any], error: type = ArgumentError) -> None:
    """Raise `error` unless all `values`, the `what` of `name` in each model, are equal."""
    different = list(dict.fromkeys(values))
    if len(different) != 1:
        raise error(
            f"expected models whose {name} has one {what}, got {', '.join(map(str, different))}",
            where="stack",
        )


def _rebuilt(
    value: Tensor, grad: Tensor, decays: bool, trainable: bool, group: Group
) -> StackedParameter:
    new = StackedParameter.__new__(StackedParameter)
    Parameter.__init__(new, value, grad, decays=decays, trainable=trainable)
    new.group, new.origins, new.parts = group, [], []
    return new
