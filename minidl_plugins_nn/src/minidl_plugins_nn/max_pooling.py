"""The maximum over windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from minidl_core import ArgumentError, BaseModule, Example, check_grad_output
from minidl_plugins_nn.image_sizes import check_image, check_windows, each_size, times
from minidl_plugins_nn.windows import call, flat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["MaxPool1d", "MaxPool2d", "MaxPool3d"]


class _MaxPoolNd(BaseModule):
    dims: ClassVar[int]
    traceable = True

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        where, dims = type(self).__name__, self.dims
        self.kernel_size = each_size(where, "kernel_size", kernel_size, dims)
        stride = self.kernel_size if stride is None else stride
        self.stride = each_size(where, "stride", stride, dims)
        self.padding = each_size(where, "padding", padding, dims, least=0)
        self.dilation = each_size(where, "dilation", dilation, dims)
        self.return_indices, self.ceil_mode = bool(return_indices), bool(ceil_mode)
        if any(2 * p > d * (k - 1) + 1 for p, k, d in self._rows()):
            raise ArgumentError(
                f"padding must be at most half the window, got {times(self.padding)} for a kernel "
                f"of {times(self.kernel_size)} with dilation {times(self.dilation)}",
                where=where,
            )

    def _rows(self) -> Any:
        return zip(self.padding, self.kernel_size, self.dilation, strict=True)

    def forward(self, x: Tensor) -> Any:
        check_image(self, x, self.dims)
        window = (self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)
        check_windows(self, x.shape[-self.dims :], *window)
        y, indices = call(self.dims, "max_pool{}d_with_indices", x, *self._window())
        self.push((x.shape, indices))
        return (y, indices) if self.return_indices else y

    # y = x[i] for the place i of the maximum:  dx_i = Σ dy over the windows whose maximum it is.
    def backward(self, grad_output: Tensor, grad_indices: None = None) -> Tensor:
        shape, indices = self.pop()
        check_grad_output(self, grad_output, indices.shape)
        like = grad_output.new_empty(shape)  # only its shape is read
        args = (grad_output, like, *self._window(), indices)
        dx: Tensor = call(self.dims, "max_pool{}d_with_indices_backward", *args)
        return dx

    def _window(self) -> tuple[Any, ...]:
        return (
            flat(self.kernel_size),
            flat(self.stride),
            flat(self.padding, 0),
            flat(self.dilation),
            self.ceil_mode,
        )

    def summary(self) -> str:
        kernel, stride = times(self.kernel_size), times(self.stride)
        return f"{type(self).__name__}, kernel: {kernel}, stride: {stride}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({times(self.kernel_size)})"

    @classmethod
    def examples(cls) -> list[Example]:
        room, twin = [5, 4, 3][: cls.dims], f"torch.nn.{cls.__name__}"
        odd = [6, 5, 4][: cls.dims]  # so that the last window sticks out
        overlapping = {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 1}
        return [
            Example({"kernel_size": 2}, shapes=[(2, 3, *room)], reference=twin),
            Example({**overlapping, "ceil_mode": True}, shapes=[(2, 2, *odd)], reference=twin),
        ]


class MaxPool1d(_MaxPoolNd):
    """y[n, c, t] = max over k of x[n, c, s t + d k]: the largest element of each window.

    Shapes: x (n, c, length), or without n; y (n, c, length'). See `MaxPool2d`.
    """

    dims = 1


class MaxPool2d(_MaxPoolNd):
    """y[n, c, y, x] = max over k, l of x[n, c, s y + d k, s x + d l]: the largest of each window.

    Of equal elements the first gets the whole gradient. What is added by `padding` is −∞.

    Shapes: x (n, c, height, width), or without n; y (n, c, height', width') with
    height' = ⌊(height + 2 p − d (k − 1) − 1) / s⌋ + 1.

    Args:
        kernel_size: the size of the window; it, and the three that follow, is one number or one
            for each dimension.
        stride: how far apart neighbouring windows are; the size of the window when left out.
        padding: how many elements are added on each side, at most half a window.
        dilation: how far apart the elements of one window are.
        return_indices: return the pair (y, indices). An index counts within its own channel; it is
            what `MaxUnpool2d` takes.
        ceil_mode: round the size of the output up, so that the last window may stick out.

    Raises:
        ArgumentError: a size that there is not, or a padding of more than half a window.
        ShapeError, DtypeError: ``forward`` got an input that does not fit.
        ParameterError: the input records a graph of torch's autograd.
    """

    dims = 2


class MaxPool3d(_MaxPoolNd):
    """The largest element of each window over depth, height and width.

    Shapes: x (n, c, depth, height, width), or without n. See `MaxPool2d`.
    """

    dims = 3
