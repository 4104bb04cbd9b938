"""Windows of an image as columns, and columns summed into an image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from minidl_core import (
    BaseModule,
    DtypeError,
    Example,
    ShapeError,
    check_grad_output,
    check_no_graph,
)
from minidl_plugins_nn.image_sizes import check_image, check_windows, each_size, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["Fold", "Unfold"]

_aten = torch.ops.aten


class _Windows(BaseModule):
    def __init__(
        self,
        kernel_size: int | Sequence[int],
        dilation: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        stride: int | Sequence[int] = 1,
    ) -> None:
        where = type(self).__name__
        self.kernel_size = each_size(where, "kernel_size", kernel_size, 2)
        self.dilation = each_size(where, "dilation", dilation, 2)
        self.padding = each_size(where, "padding", padding, 2, least=0)
        self.stride = each_size(where, "stride", stride, 2)

    def _geometry(self) -> tuple[tuple[int, ...], ...]:
        return self.kernel_size, self.dilation, self.padding, self.stride

    def _check_windows(self, space: Sequence[int]) -> None:
        check_windows(self, space, self.kernel_size, self.stride, self.padding, self.dilation)

    def summary(self) -> str:
        return (
            f"{type(self).__name__}, kernel: {times(self.kernel_size)}, "
            f"stride: {times(self.stride)}"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({times(self.kernel_size)})"


class Unfold(_Windows):
    """Makes a column of each window of an image: Y[n, (c, k, l), t] = X[n, c, y + d k, x + d l].

    (y, x) is the corner of window t; windows are counted row by row.

    Shapes: X (n, c, height, width), or without n; Y (n, c k l, windows).

    Args:
        kernel_size, dilation, padding, stride: as in `Conv2d`; one number, or one for each
            dimension.

    Raises:
        ArgumentError: a size that there is not.
        ShapeError, DtypeError: the input does not fit.
        ParameterError: the input records a graph of torch's autograd.
    """

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        check_image(self, x, 2)
        self._check_windows(x.shape[-2:])
        y: Tensor = _aten.im2col(x, *self._geometry())
        self.push((x.shape, y.shape))
        return y

    # Each column is a copy of elements:  dX is the sum of the columns where they came from.
    def backward(self, grad_output: Tensor) -> Tensor:
        shape, out = self.pop()
        check_grad_output(self, grad_output, out)
        dx: Tensor = _aten.col2im(grad_output, shape[-2:], *self._geometry())
        return dx

    @classmethod
    def examples(cls) -> list[Example]:
        spread = {"kernel_size": (2, 3), "dilation": 2, "padding": 1, "stride": 2}
        return [
            Example({"kernel_size": 2}, shapes=[(2, 3, 4, 3)], reference="torch.nn.Unfold"),
            Example(spread, shapes=[(2, 2, 5, 5)], reference="torch.nn.Unfold"),
        ]


class Fold(_Windows):
    """Sums columns into an image where their windows lie: the transpose of `Unfold`.

    Shapes: X (n, c k l, windows), or without n; Y (n, c, *output_size).

    Args:
        output_size: the height and width of the image; one number, or two.
        kernel_size, dilation, padding, stride: as in `Conv2d`; one number, or one for each
            dimension.

    Raises:
        ArgumentError: a size that there is not.
        ShapeError, DtypeError: the input does not fit.
        ParameterError: the input records a graph of torch's autograd.
    """

    traceable = True

    def __init__(
        self,
        output_size: int | Sequence[int],
        kernel_size: int | Sequence[int],
        dilation: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        stride: int | Sequence[int] = 1,
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = each_size("Fold", "output_size", output_size, 2)
        self._check_windows(self.output_size)

    def forward(self, x: Tensor) -> Tensor:
        self._check_input(x)
        y: Tensor = _aten.col2im(x, self.output_size, *self._geometry())
        self.push(y.shape)
        return y

    # Each element is the sum of those of the columns over it:  dX takes dY back into columns.
    def backward(self, grad_output: Tensor) -> Tensor:
        check_grad_output(self, grad_output, self.pop())
        dx: Tensor = _aten.im2col(grad_output, *self._geometry())
        return dx

    def _check_input(self, x: Tensor) -> None:
        check_no_graph(self, "input", x)
        rows = zip(
            self.output_size,
            self.kernel_size,
            self.dilation,
            self.padding,
            self.stride,
            strict=True,
        )
        windows = math.prod((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in rows)
        size = math.prod(self.kernel_size)
        if x.ndim not in (2, 3) or x.shape[-1] != windows or x.shape[-2] % size or not x.shape[-2]:
            raise ShapeError(
                f"expected an input of shape (batch, channels · {size}, {windows}), or without "
                f"batch, got {tuple(x.shape)}; these are the windows of {times(self.kernel_size)} "
                f"in an image of {times(self.output_size)}",
                where=self,
            )
        if not x.is_floating_point():
            raise DtypeError(
                f"expected an input of floating-point numbers, got {x.dtype}; convert it: "
                "x.float()",
                where=self,
            )

    @classmethod
    def examples(cls) -> list[Example]:
        plain = {"output_size": (4, 3), "kernel_size": 2}
        spread = {"output_size": 5, "kernel_size": (2, 3), "dilation": 2, "padding": 1, "stride": 2}
        return [
            Example(plain, shapes=[(2, 12, 6)], reference="torch.nn.Fold"),
            Example(spread, shapes=[(2, 12, 6)], reference="torch.nn.Fold"),
        ]
