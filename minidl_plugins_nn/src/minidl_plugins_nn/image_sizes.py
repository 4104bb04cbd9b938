"""Sizes given as one number or one for each dimension, and the checks of image inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError, DtypeError, ShapeError, check_no_graph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["check_image", "check_windows", "each_size", "named_shape", "times", "whole_number"]

_SPACE = ("depth", "height", "width")


def whole_number(where: object, name: str, number: Any, *, least: int = 1) -> int:
    """Return `number` if it is a whole number of at least `least`."""
    if not isinstance(number, int) or isinstance(number, bool) or number < least:
        raise ArgumentError(
            f"{name} must be a whole number of at least {least}, got {number!r}", where=where
        )
    return number


def each_size(where: str, name: str, value: Any, dims: int, *, least: int = 1) -> tuple[int, ...]:
    """Return `value` as one whole number for each of `dims` dimensions."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * dims
    if len(values) != dims or not all(
        isinstance(each, int) and not isinstance(each, bool) and each >= least for each in values
    ):
        raise ArgumentError(
            f"{name} must be a whole number of at least {least}"
            f"{f', or {dims} of them' if dims > 1 else ''}, got {value!r}",
            where=where,
        )
    return values


def times(sizes: Sequence[int]) -> str:
    """Return ``3x3`` for (3, 3)."""
    return "x".join(map(str, sizes))


def named_shape(dims: int, channels: int | str = "channels") -> str:
    """Return the shape of an image of `dims` dimensions in words."""
    space = ("length",) if dims == 1 else _SPACE[-dims:]
    return f"(batch, {channels}, {', '.join(space)}), or without batch"


def check_image(layer: object, x: Tensor, dims: int, channels: int | None = None) -> None:
    """Check that `x` is a floating-point image of `dims` dimensions, with a batch or without.

    The batch may be empty, as in torch.

    Raises:
        ShapeError: it has another number of dimensions, other channels, or an empty dimension.
        DtypeError: it does not hold floating-point numbers.
        ParameterError: it records a graph of torch's autograd.
    """
    check_no_graph(layer, "input", x)
    expected = f"expected an input of shape {named_shape(dims, channels or 'channels')}"
    if x.ndim not in (dims + 1, dims + 2):
        raise ShapeError(f"{expected}, got {tuple(x.shape)}", where=layer)
    if channels is not None and x.shape[-dims - 1] != channels:
        raise ShapeError(
            f"{expected}, got {tuple(x.shape)}; build the layer with the input's channels",
            where=layer,
        )
    if 0 in x.shape[-dims - 1 :]:
        raise ShapeError(f"{expected}, none of them 0, got {tuple(x.shape)}", where=layer)
    if not x.is_floating_point():
        raise DtypeError(
            f"expected an input of floating-point numbers, got {x.dtype}; convert it: x.float()",
            where=layer,
        )


def check_windows(
    layer: object,
    space: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool = False,
) -> None:
    """Check that at least one window fits into an input of sizes `space`.

    Raises:
        ShapeError: none does.
    """
    for n, k, s, p, d in zip(space, kernel, stride, padding, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1 + (s - 1 if ceil_mode else 0)
        if room < 0:
            raise ShapeError(
                f"the input of size {times(space)} is smaller than the window: kernel size "
                f"{times(kernel)}, dilation {times(dilation)}, padding {times(padding)}; give a "
                "larger input, or take a smaller kernel or more padding",
                where=layer,
            )
