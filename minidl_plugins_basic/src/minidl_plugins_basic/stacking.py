"""Many models of one structure as one: `stack` and its inverse."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, TypeVar

import torch

from minidl_core import ArgumentError, DeviceError, DtypeError, Module, Parameter, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

__all__ = ["stack", "unstack"]

M = TypeVar("M", bound=Module)


def stack(models: Sequence[M]) -> M:
    """One module that is all of `models` at once: each parameter gets a new first dimension K.

    Training it equals training each alone (to rounding), for about the price of one when the
    models are small. Works on every module that lists its parameters in ``named_param()``, reads
    them from its `Parameter` objects at each ``forward``, and treats the dimensions before the
    last two as models. Values and gradients are copied; so is all else, from the first model.

    Raises:
        ArgumentError: no models, or models of different structure.
        ShapeError, DtypeError, DeviceError: a parameter differs among them.
    """
    if isinstance(models, Module):
        raise ArgumentError(
            f"expected a list of models, got one {type(models).__name__}; write stack([model])",
            where="stack",
        )
    models = list(models)
    if not models:
        raise ArgumentError("expected at least one model, got none", where="stack")
    first = _named(models[0])
    for k, model in enumerate(models[1:], start=1):
        if _structure(model) != _structure(models[0]):
            raise ArgumentError(
                f"expected models of one structure, but model {k} has parameters "
                f"{_structure(model)} and model 0 has {_structure(models[0])}",
                where="stack",
            )
    columns = {name: [_named(model)[name] for model in models] for name in first}
    for name, column in columns.items():
        _check_column(name, [parameter.value for parameter in column])
    for k, model in enumerate(models):
        if _describe(model) != _describe(models[0]):
            raise ArgumentError(
                f"expected models of one structure, but model {k} is {_describe(model)}\n"
                f"and model 0 is {_describe(models[0])}",
                where="stack",
            )
    return _rebuilt(
        models[0],
        lambda name: Parameter(
            torch.stack([parameter.value for parameter in columns[name]]),
            torch.stack([parameter.grad for parameter in columns[name]]),
        ),
    )


def unstack(model: M) -> list[M]:
    """The models that `stack` put together, each with its own copy of values and gradients.

    A model that was never stacked is refused only where its shapes give it away.

    Raises:
        ArgumentError: `model` has no parameters, or they disagree on the number of models.
    """
    named = _named(model, "unstack")
    sizes = {parameter.value.shape[:1] for parameter in named.values()}
    if len(sizes) != 1 or sizes == {torch.Size()}:
        raise ArgumentError(
            "expected a stacked model, whose parameters have one first dimension in common, got "
            f"{ ({name: tuple(p.value.shape) for name, p in named.items()}) }",
            where="unstack",
        )
    ((size,),) = sizes

    def parameter_of(k: int) -> Callable[[str], Parameter]:
        return lambda name: Parameter(named[name].value[k].clone(), named[name].grad[k].clone())

    return [_rebuilt(model, parameter_of(k)) for k in range(size)]


def _named(model: Module, where: str = "stack") -> dict[str, Parameter]:
    named_param = getattr(model, "named_param", None)
    if named_param is None:
        raise ArgumentError(
            f"expected modules that list their parameters in named_param(), got {model!r}",
            where=where,
        )
    return dict(named_param())


def _structure(model: Module) -> list[str]:
    """The names of the parameters, and which are one and the same."""
    first: dict[int, str] = {}
    origins = {name: first.setdefault(id(p), name) for name, p in _named(model).items()}
    return [
        name if name == origin else f"{name} (shared with {origin})"
        for name, origin in origins.items()
    ]


def _describe(model: Module) -> str:
    kind = f"of {type(model)}"
    return f"{kind}:\n{model.describe()}" if hasattr(model, "describe") else kind


def _rebuilt(model: M, make: Callable[[str], Parameter]) -> M:
    """A copy of `model` with other parameters; what is shared in `model` is shared in the copy."""
    clone = copy.deepcopy(model)
    for name, parameter in _named(clone).items():
        parameter.value, parameter.grad = make(name)
    training = clone.training
    clone.eval()  # lets go of forwards that still wait for a backward
    if training:
        clone.train()
    return clone


def _check_column(name: str, values: list[Tensor]) -> None:
    for what, error, of_values in (
        ("shape", ShapeError, [tuple(value.shape) for value in values]),
        ("dtype", DtypeError, [value.dtype for value in values]),
        ("device", DeviceError, [value.device for value in values]),
    ):
        if len(set(of_values)) != 1:
            different = ", ".join(map(str, dict.fromkeys(of_values)))
            raise error(
                f"expected models whose {name} has one {what}, got {different}", where="stack"
            )
