"""The mean over windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from minidl_core import ArgumentError, BaseModule, Example, check_grad_output
from minidl_plugins_nn.image_sizes import (
    check_image,
    check_windows,
    each_size,
    times,
    whole_number,
)
from minidl_plugins_nn.windows import average, average_backward

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["AvgPool1d", "AvgPool2d", "AvgPool3d"]


class _AvgPoolNd(BaseModule):
    dims: ClassVar[int]
    traceable = True
    divisor_override: int | None = None

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        where, dims = type(self).__name__, self.dims
        self.kernel_size = each_size(where, "kernel_size", kernel_size, dims)
        stride = self.kernel_size if stride is None else stride
        self.stride = each_size(where, "stride", stride, dims)
        self.padding = each_size(where, "padding", padding, dims, least=0)
        self.ceil_mode, self.count_include_pad = bool(ceil_mode), bool(count_include_pad)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ArgumentError(
                f"padding must be at most half the kernel, got {times(self.padding)} for "
                f"{times(self.kernel_size)}",
                where=where,
            )

    def forward(self, x: Tensor) -> Tensor:
        check_image(self, x, self.dims)
        window = (self.kernel_size, self.stride, self.padding, [1] * self.dims, self.ceil_mode)
        check_windows(self, x.shape[-self.dims :], *window)
        y = average(x, *self._window())
        self.push((x.shape, y.shape))
        return y

    # y = (1/k) Σ x over each window of k elements:  dx = Σ dy / k over the windows it stands in.
    def backward(self, grad_output: Tensor) -> Tensor:
        shape, out = self.pop()
        check_grad_output(self, grad_output, out)
        return average_backward(grad_output, shape, *self._window())

    def _window(self) -> tuple[Any, ...]:
        count = (self.ceil_mode, self.count_include_pad, self.divisor_override)
        return (self.kernel_size, self.stride, self.padding, *count)

    def summary(self) -> str:
        kernel, stride = times(self.kernel_size), times(self.stride)
        return f"{type(self).__name__}, kernel: {kernel}, stride: {stride}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({times(self.kernel_size)})"

    @classmethod
    def examples(cls) -> list[Example]:
        room, twin = [5, 4, 3][: cls.dims], f"torch.nn.{cls.__name__}"
        overlapping = {"kernel_size": 3, "stride": 1, "padding": 1, "count_include_pad": False}
        sticking_out = {"kernel_size": 3, "stride": 2, "ceil_mode": True}
        examples = [
            Example({"kernel_size": 2}, shapes=[(2, 3, *room)], reference=twin),
            Example(overlapping, shapes=[(2, 2, *room)], reference=twin),
            Example(sticking_out, shapes=[(2, 2, *(n + 1 for n in room))], reference=twin),
        ]
        if cls.dims > 1:
            summed = {"kernel_size": 2, "divisor_override": 3}
            examples.append(Example(summed, shapes=[(2, 2, *room)], reference=twin))
        return examples


class AvgPool1d(_AvgPoolNd):
    """y[n, c, t] = (1/k) Σ x[n, c, s t + i] over i < k: the mean of each window.

    Shapes: x (n, c, length), or without n; y (n, c, length'). See `AvgPool2d`.
    """

    dims = 1


class AvgPool2d(_AvgPoolNd):
    """y[n, c, y, x] = 1/(k l) Σ x[n, c, s y + i, s x + j] over i < k, j < l: the mean of a window.

    Shapes: x (n, c, height, width), or without n; y (n, c, height', width') with
    height' = ⌊(height + 2 p − k) / s⌋ + 1.

    Args:
        kernel_size: the size of the window; it, and the two that follow, is one number or one for
            each dimension.
        stride: how far apart neighbouring windows are; the size of the window when left out.
        padding: how many zeros are added on each side, at most half a window.
        ceil_mode: round the size of the output up, so that the last window may stick out; it is
            divided by the elements that do not.
        count_include_pad: whether added zeros count as elements of the mean.
        divisor_override: what to divide the sum by instead.

    Raises:
        ArgumentError: a size that there is not, or a padding of more than half a window.
        ShapeError, DtypeError: ``forward`` got an input that does not fit.
        ParameterError: the input records a graph of torch's autograd.
    """

    dims = 2

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        if divisor_override is not None:
            whole_number(type(self).__name__, "divisor_override", divisor_override)
        self.divisor_override = divisor_override


class AvgPool3d(AvgPool2d):
    """The mean of each window over depth, height and width.

    Shapes: x (n, c, depth, height, width), or without n. See `AvgPool2d`.
    """

    dims = 3
