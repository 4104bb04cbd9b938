"""An optimizer on parameters and gradients that the kit makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minidl_core import Parameter
from minidl_plugins_devkit.subjects.cases import uniform

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from minidl_plugins_devkit.subjects.cases import Case

__all__ = ["SHAPES", "Trial"]

SHAPES = ((3, 2), (4,), (1, 3), ())


class Trial:
    """A new optimizer of the example over new parameters.

    It gets an iterator of them, which can be gone through once. Values are in ±[0.5, 1.5]. The
    gradient of step t has elements in ±[0.5, 1.5] times a size that goes up and down over three
    orders of magnitude, and does not depend on the values.

    Args:
        kwargs: in place of the example's.
        again: what to list once more at the end, made of the first parameter.
        extra: a parameter to list in the middle, which the trial does not look after.
        decays: of every parameter.
        named: whether to list pairs of a name and a parameter.
        change: makes values and gradients of another layout, from contiguous ones.
    """

    def __init__(
        self,
        case: Case,
        *,
        dtype: torch.dtype = torch.float64,
        device: str = "cpu",
        kwargs: dict[str, Any] | None = None,
        again: Callable[[Parameter], Parameter] | None = None,
        extra: Parameter | None = None,
        decays: bool = True,
        named: bool = False,
        change: Callable[[Tensor], Tensor] = Tensor.clone,
    ) -> None:
        self.case = case
        generator = case.generator(200)
        self.parameters = [
            Parameter(
                change(_away_from_zero(shape, generator).to(device, dtype)),
                change(torch.zeros(shape, dtype=dtype, device=device)),
                decays=decays,
            )
            for shape in SHAPES
        ]
        params: list[Any] = list(self.parameters)
        if extra is not None:
            params.insert(1, extra)
        if again is not None:
            params.append(again(params[0]))
        if named:
            params = [(f"layer.{i}", parameter) for i, parameter in enumerate(params)]
        context = {
            "generator": case.generator(201, device),
            "dtype": dtype,
            "device": device,
        }
        self.optimizer = case.construct(iter(params), kwargs=kwargs, **context)

    def advance(self, start: int, stop: int) -> Trial:
        """Do steps `start` to `stop`, each from its own gradients."""
        for number in range(start, stop):
            self.set_gradients(number)
            self.optimizer.step()
        return self

    def set_gradients(self, number: int) -> None:
        generator = self.case.generator(300 + number)
        size = (1.0, 3.0, 0.1, 0.03, 10.0)[number % 5]
        for parameter in self.parameters:
            drawn = size * _away_from_zero(parameter.grad.shape, generator)
            parameter.grad.copy_(drawn)

    def values(self) -> dict[str, Tensor]:
        """The values now, as copies."""
        return {f"parameter {i}": p.value.clone() for i, p in enumerate(self.parameters)}

    def set_values(self, values: dict[str, Tensor]) -> None:
        for parameter, value in zip(self.parameters, values.values(), strict=True):
            parameter.value.copy_(value)


def _away_from_zero(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Elements in ±[0.5, 1.5]."""
    size = uniform(tuple(shape), 0.5, 1.5, generator)
    return size * torch.where(uniform(tuple(shape), -1, 1, generator) < 0, -1.0, 1.0)
