"""The partial inverse of max pooling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import torch

from minidl_core import BaseModule, DtypeError, Example, ShapeError, check_grad_output
from minidl_plugins_nn.image_sizes import check_image, each_size, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"]


class _MaxUnpoolNd(BaseModule):
    dims: ClassVar[int]
    traceable = True

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
    ) -> None:
        where, dims = type(self).__name__, self.dims
        self.kernel_size = each_size(where, "kernel_size", kernel_size, dims)
        stride = self.kernel_size if stride is None else stride
        self.stride = each_size(where, "stride", stride, dims)
        self.padding = each_size(where, "padding", padding, dims, least=0)

    def forward(
        self, x: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        check_image(self, x, self.dims)
        if indices.shape != x.shape:
            raise ShapeError(
                f"expected indices of the shape of the input, {tuple(x.shape)}, got "
                f"{tuple(indices.shape)}; pass those of the pooling with return_indices=True",
                where=self,
            )
        if indices.dtype != torch.int64:
            raise DtypeError(
                f"expected indices of torch.int64, got {indices.dtype}; pass those of the pooling "
                "with return_indices=True",
                where=self,
            )
        space = self._output_space(x.shape[-self.dims :], output_size)
        lead = x.shape[: -self.dims]
        flat = x.new_zeros((*lead, math.prod(space)))
        places = indices.flatten(-self.dims)
        self.push((indices, (*lead, *space)))
        return flat.scatter(-1, places, x.flatten(-self.dims)).view(*lead, *space)

    # y[i] = x for the place i of each x, and 0 elsewhere:  dx = dy[i]. The indices are whole
    # numbers, and have no gradient.
    def backward(self, grad_output: Tensor) -> tuple[Tensor, None]:
        indices, shape = self.pop()
        check_grad_output(self, grad_output, torch.Size(shape))
        places = indices.flatten(-self.dims)
        dx = grad_output.flatten(-self.dims).gather(-1, places)
        return dx.view(indices.shape), None

    def _output_space(self, space: Sequence[int], wanted: Sequence[int] | None) -> tuple[int, ...]:
        """Return the size of the output: as wanted, within a stride of the one that fits."""
        rows = zip(space, self.stride, self.padding, self.kernel_size, strict=True)
        fits = tuple((n - 1) * s - 2 * p + k for n, s, p, k in rows)
        if wanted is None:
            return fits
        size = tuple(wanted)[-self.dims :]
        if len(size) != self.dims or any(
            abs(w - n) >= s for w, n, s in zip(size, fits, self.stride, strict=True)
        ):
            raise ShapeError(
                f"output_size must be less than a stride, {times(self.stride)}, from {times(fits)}"
                f", got {tuple(wanted)}; pass the size of the input of the pooling",
                where=self,
            )
        return size

    def summary(self) -> str:
        kernel, stride = times(self.kernel_size), times(self.stride)
        return f"{type(self).__name__}, kernel: {kernel}, stride: {stride}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({times(self.kernel_size)})"

    @classmethod
    def examples(cls) -> list[Example]:
        def draw(generator: torch.Generator, *shapes: Sequence[int]) -> tuple[Tensor, Tensor]:
            x = torch.randn(shapes[0], generator=generator, dtype=torch.float64)
            lead, space = shapes[0][: -cls.dims], shapes[0][-cls.dims :]
            order = torch.rand(*lead, math.prod(2 * n for n in space), generator=generator)
            return x, order.argsort(-1)[..., : math.prod(space)].reshape(x.shape)

        shape = (2, 3, *[3, 2, 2][: cls.dims])
        twin = f"torch.nn.{cls.__name__}"
        return [Example({"kernel_size": 2}, shapes=[shape, shape], draw=draw, reference=twin)]


class MaxUnpool1d(_MaxUnpoolNd):
    """y[n, c, i] = x[n, c, t] for the index i of each t, and 0 elsewhere.

    Shapes: x and indices (n, c, length), or without n; y (n, c, length'). See `MaxUnpool2d`.
    """

    dims = 1


class MaxUnpool2d(_MaxUnpoolNd):
    """Puts each element where its maximum stood before `MaxPool2d`; 0 elsewhere.

    Shapes: x and indices (n, c, height, width), or without n; y (n, c, height', width') with
    height' = (height − 1) s − 2 p + k. ``forward(x, indices, output_size)`` takes the size that
    the pooling had, where several come to the same.

    Where windows overlap, one place may be named several times: one of them is written, and all
    of them are given its gradient, as in torch.

    Args:
        kernel_size, stride, padding: as those of the pooling.

    Raises:
        ArgumentError: a size that there is not.
        ShapeError, DtypeError: ``forward`` got an input or indices that do not fit.
        ParameterError: the input records a graph of torch's autograd.

    Reference: M. D. Zeiler and R. Fergus, Visualizing and understanding convolutional networks,
    ECCV 2014.
    """

    dims = 2


class MaxUnpool3d(_MaxUnpoolNd):
    """Puts each element where its maximum stood before `MaxPool3d`; 0 elsewhere.

    Shapes: x and indices (n, c, depth, height, width), or without n. See `MaxUnpool2d`.
    """

    dims = 3
