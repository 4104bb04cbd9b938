"""What the components ask of their arguments before they compute."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from minidl_core import ArgumentError, DeviceError, DtypeError, ParameterError, ShapeError

if TYPE_CHECKING:
    from torch import Size, Tensor

__all__ = ["check_alike", "check_grad_output", "check_records_no_graph", "finite_number"]


def check_records_no_graph(layer: object, role: str, x: Tensor) -> None:
    """Gradients come from ``backward``: a tensor that asks autograd for one is a mistake."""
    if x.requires_grad:
        raise ParameterError(
            f"the {role} has requires_grad=True, but gradients here come from backward(), not from "
            "autograd; pass x.detach()",
            where=layer,
        )


def check_alike(layer: object, role: str, x: Tensor, other: str, y: Tensor) -> None:
    """`x` and `y` are of one dtype and on one device."""
    if x.dtype != y.dtype:
        raise DtypeError(
            f"expected the {role} in the dtype of the {other}, {y.dtype}, got {x.dtype}; "
            f"convert one: x.to({y.dtype})",
            where=layer,
        )
    if x.device != y.device:
        raise DeviceError(
            f"expected the {role} on the device of the {other}, {y.device}, got {x.device}; "
            f'move one: x.to("{y.device}")',
            where=layer,
        )


def check_grad_output(layer: object, grad_output: Tensor, expected: Size) -> None:
    """The gradient of an output has that output's shape; it is never broadcast."""
    if grad_output.shape != expected:
        raise ShapeError(
            f"expected the gradient of the output in the output's shape {tuple(expected)}, "
            f"got {tuple(grad_output.shape)}; pass what the loss's or next layer's backward gave",
            where=layer,
        )


def finite_number(
    where: str, name: str, number: float, *, least: float = -math.inf, below: float = math.inf
) -> float:
    """`number`, if it is finite, at least `least` and less than `below`."""
    fits = isinstance(number, (int, float)) and math.isfinite(number) and least <= number < below
    if not fits:
        at_least = f" of at least {least:g}" if least > -math.inf else ""
        less_than = f" and less than {below:g}" if below < math.inf else ""
        raise ArgumentError(
            f"{name} must be a finite number{at_least}{less_than}, got {number!r}", where=where
        )
    return number
