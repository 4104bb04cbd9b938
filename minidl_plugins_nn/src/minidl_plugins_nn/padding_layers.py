"""Layers that continue an image over its edges by elements of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from minidl_core import ArgumentError, BaseModule, Example, check_grad_output
from minidl_plugins_nn.image_sizes import check_image
from minidl_plugins_nn.padding import check_pads, pad, pad_backward

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "PadNd",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
]


class PadNd(BaseModule):
    """Y[j] = X[s(j)] with a source s(j) for each place of the output."""

    dims: ClassVar[int]
    mode: ClassVar[str]
    traceable = True
    value: float = 0.0

    def __init__(self, padding: int | Sequence[int]) -> None:
        sides = 2 * self.dims
        pads = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * sides
        cuts = self.mode == "constant"
        least = -(10**9) if cuts else 0
        if len(pads) != sides or not all(
            isinstance(each, int) and not isinstance(each, bool) and each >= least for each in pads
        ):
            raise ArgumentError(
                f"padding must be a whole number{'' if cuts else ' of at least 0'}, or {sides} of "
                f"them (left, right, top, bottom, ...), got {padding!r}",
                where=type(self).__name__,
            )
        self.padding: tuple[int, ...] = pads  # type: ignore[assignment]

    def forward(self, x: Tensor) -> Tensor:
        self._check_input(x)
        check_pads(self, x.shape, self.padding, self.mode)
        y = pad(x, self.padding, self.mode, self.value)
        self.push((x.shape, y.shape))
        return y

    # Y[j] = X[s(j)]:  dX[i] = Σ dY[j] over all j with s(j) = i.
    def backward(self, grad_output: Tensor) -> Tensor:
        shape, out = self.pop()
        check_grad_output(self, grad_output, out)
        return pad_backward(grad_output, shape, self.padding, self.mode)

    def _check_input(self, x: Tensor) -> None:
        check_image(self, x, self.dims)

    def summary(self) -> str:
        value = f", value: {self.value:g}" if self.value else ""
        return f"{type(self).__name__}, padding: {', '.join(map(str, self.padding))}{value}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(str, self.padding))})"

    @classmethod
    def _more(cls) -> dict[str, float]:
        """Arguments besides the padding, for the examples."""
        return {}

    @classmethod
    def examples(cls) -> list[Example]:
        room, twin = [4, 3, 3][: cls.dims], f"torch.nn.{cls.__name__}"
        uneven = [2, 1, 0, 2, 1, 1][: 2 * cls.dims]
        return [
            Example({"padding": 1, **cls._more()}, shapes=[(2, 2, *room)], reference=twin),
            Example({"padding": uneven, **cls._more()}, shapes=[(2, 1, *room)], reference=twin),
        ]


class ReflectionPad1d(PadNd):
    """Continues a sequence (n, c, length) by its mirror image. See `ReflectionPad2d`."""

    dims, mode = 1, "reflect"


class ReflectionPad2d(PadNd):
    """Continues an image by its mirror image, about the edge element: d c b | a b c d | c b a.

    Shapes: x (n, c, height, width), or without n.

    Args:
        padding: how many elements to add on each side, or (left, right, top, bottom), the last
            dimension first; each less than the size of the input.

    Raises:
        ArgumentError: `padding` is no such number.
        ShapeError, DtypeError: the input does not fit, or is too small for the padding.
        ParameterError: the input records a graph of torch's autograd.
    """

    dims, mode = 2, "reflect"


class ReflectionPad3d(PadNd):
    """Continues a volume (n, c, depth, height, width) by its mirror image."""

    dims, mode = 3, "reflect"


class ReplicationPad1d(PadNd):
    """Continues a sequence (n, c, length) by its end elements: a a | a b c | c c."""

    dims, mode = 1, "replicate"


class ReplicationPad2d(PadNd):
    """Continues an image (n, c, height, width) by its edge elements. See `ReflectionPad2d`."""

    dims, mode = 2, "replicate"


class ReplicationPad3d(PadNd):
    """Continues a volume (n, c, depth, height, width) by its edge elements."""

    dims, mode = 3, "replicate"


class CircularPad1d(PadNd):
    """Continues a sequence (n, c, length) by its other end: c d | a b c d | a b."""

    dims, mode = 1, "circular"


class CircularPad2d(PadNd):
    """Continues an image (n, c, height, width) by its other edge. See `ReflectionPad2d`."""

    dims, mode = 2, "circular"


class CircularPad3d(PadNd):
    """Continues a volume (n, c, depth, height, width) by its other edge."""

    dims, mode = 3, "circular"
