"""Layers that continue an image over its edges by a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import ArgumentError, ShapeError, check_no_graph
from minidl_plugins_nn.padding_layers import PadNd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = [
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _ConstantPadNd(PadNd):
    mode = "constant"

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise ArgumentError(f"value must be a number, got {value!r}", where=type(self).__name__)
        self.value = value

    @classmethod
    def _more(cls) -> dict[str, float]:
        return {"value": 1.5}

    def _check_input(self, x: Tensor) -> None:
        _check_dims(self, x, self.dims)


class _ZeroPadNd(PadNd):
    mode = "constant"

    def _check_input(self, x: Tensor) -> None:
        _check_dims(self, x, self.dims)


def _check_dims(layer: object, x: Tensor, dims: int) -> None:
    check_no_graph(layer, "input", x)
    if x.ndim < dims:
        raise ShapeError(
            f"expected an input of at least {dims} dimensions, got {tuple(x.shape)}", where=layer
        )


class ConstantPad1d(_ConstantPadNd):
    """Adds `value` at both ends of a sequence (..., length). See `ConstantPad2d`."""

    dims = 1


class ConstantPad2d(_ConstantPadNd):
    """Adds `value` around an image (..., height, width).

    Args:
        padding: how many elements to add on each side, or (left, right, top, bottom), the last
            dimension first; a negative number cuts off.
        value: what to add.

    Raises:
        ArgumentError: an argument is no such number.
        ShapeError: the input has too few dimensions, or nothing of it is left.
        ParameterError: the input records a graph of torch's autograd.
    """

    dims = 2


class ConstantPad3d(_ConstantPadNd):
    """Adds `value` around a volume (..., depth, height, width). See `ConstantPad2d`."""

    dims = 3


class ZeroPad1d(_ZeroPadNd):
    """Adds zeros at both ends of a sequence (..., length). See `ConstantPad2d`."""

    dims = 1


class ZeroPad2d(_ZeroPadNd):
    """Adds zeros around an image (..., height, width). See `ConstantPad2d`."""

    dims = 2


class ZeroPad3d(_ZeroPadNd):
    """Adds zeros around a volume (..., depth, height, width). See `ConstantPad2d`."""

    dims = 3
