"""The p-norm over windows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from minidl_core import ArgumentError, BaseModule, Example, check_grad_output
from minidl_plugins_nn.half import wide
from minidl_plugins_nn.image_sizes import check_image, check_windows, each_size, times
from minidl_plugins_nn.windows import average, average_backward

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["LPPool1d", "LPPool2d", "LPPool3d"]


class _LPPoolNd(BaseModule):
    dims: ClassVar[int]
    traceable = True

    def __init__(
        self,
        norm_type: float,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        ceil_mode: bool = False,
    ) -> None:
        where, dims = type(self).__name__, self.dims
        number = isinstance(norm_type, (int, float)) and not isinstance(norm_type, bool)
        if not number or not 0 < norm_type < math.inf:
            raise ArgumentError(
                f"norm_type must be a positive finite number, got {norm_type!r}; MaxPool{dims}d "
                "of absolute values is the norm of infinity",
                where=where,
            )
        self.norm_type = float(norm_type)
        self.kernel_size = each_size(where, "kernel_size", kernel_size, dims)
        stride = self.kernel_size if stride is None else stride
        self.stride = each_size(where, "stride", stride, dims)
        self.ceil_mode = bool(ceil_mode)

    def forward(self, x: Tensor) -> Tensor:
        check_image(self, x, self.dims)
        none = [0] * self.dims
        window = (self.kernel_size, self.stride, none, [1] * self.dims, self.ceil_mode)
        check_windows(self, x.shape[-self.dims :], *window)
        k, p = math.prod(self.kernel_size), self.norm_type
        wide_y = (k * average(wide(x).pow(p), *self._window())).pow(1 / p)
        self.push((x, wide_y))
        y: Tensor = wide_y.to(x.dtype)
        return y

    # y = (Σ xᵖ)^(1/p):  dx = xᵖ⁻¹ Σ y¹⁻ᵖ dy over the windows it stands in; 0 where y is 0.
    def backward(self, grad_output: Tensor) -> Tensor:
        x, y = self.pop()
        check_grad_output(self, grad_output, y.shape)
        k, p = math.prod(self.kernel_size), self.norm_type
        slope = torch.where(y == 0, 0.0, k * wide(grad_output) * y.pow(1 - p))
        dx: Tensor = wide(x).pow(p - 1) * average_backward(slope, x.shape, *self._window())
        return dx.to(x.dtype)

    def _window(self) -> tuple[Any, ...]:
        return (self.kernel_size, self.stride, [0] * self.dims, self.ceil_mode)

    def summary(self) -> str:
        kernel, stride = times(self.kernel_size), times(self.stride)
        return (
            f"{type(self).__name__}, norm: {self.norm_type:g}, kernel: {kernel}, stride: {stride}"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.norm_type:g}, {times(self.kernel_size)})"

    @classmethod
    def examples(cls) -> list[Example]:
        room, twin = [5, 4, 3][: cls.dims], f"torch.nn.{cls.__name__}"
        overlapping = {"norm_type": 1.5, "kernel_size": 3, "stride": 1}
        return [
            Example({"norm_type": 2, "kernel_size": 2}, shapes=[(2, 3, *room)], reference=twin),
            Example(overlapping, shapes=[(2, 2, *room)], low=0.1, high=2.0, reference=twin),
        ]


class LPPool1d(_LPPoolNd):
    """y[n, c, t] = (Σ x[n, c, s t + i]ᵖ)^(1/p) over i < k: the p-norm of each window.

    Shapes: x (n, c, length), or without n; y (n, c, length'). See `LPPool2d`.
    """

    dims = 1


class LPPool2d(_LPPoolNd):
    """y[n, c, y, x] = (Σ x[n, c, s y + i, s x + j]ᵖ)^(1/p): the p-norm of each window.

    As in torch, x is raised to the power as it is: an odd p gives no norm of negative numbers, and
    one that is not whole gives NaN. Where y is 0, the derivative is taken as 0.

    Shapes: x (n, c, height, width), or without n; y (n, c, height', width') with
    height' = ⌊(height − k) / s⌋ + 1.

    Args:
        norm_type: the number p.
        kernel_size: the size of the window, one number or one for each dimension.
        stride: how far apart neighbouring windows are; the size of the window when left out.
        ceil_mode: round the size of the output up, so that the last window may stick out; what it
            has is scaled up to a full window.

    Raises:
        ArgumentError: a size or a norm that there is not.
        ShapeError, DtypeError: ``forward`` got an input that does not fit.
        ParameterError: the input records a graph of torch's autograd.
    """

    dims = 2


class LPPool3d(_LPPoolNd):
    """The p-norm of each window over depth, height and width.

    Shapes: x (n, c, depth, height, width), or without n. See `LPPool2d`.
    """

    dims = 3
