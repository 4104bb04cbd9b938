"""The mean and the maximum over windows that are spread evenly to a given output size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from minidl_core import BaseModule, Example, check_grad_output
from minidl_plugins_nn.image_sizes import check_image, each_size, times
from minidl_plugins_nn.windows import call, flat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
]


class _AdaptivePoolNd(BaseModule):
    dims: ClassVar[int]

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        several = isinstance(output_size, (tuple, list))
        sizes = list(output_size) if several else [output_size] * self.dims  # type: ignore[arg-type]
        given = [1 if each is None else each for each in sizes]
        given_sizes = each_size(type(self).__name__, "output_size", given, self.dims)
        self.output_size = tuple(
            None if size is None else given_size
            for size, given_size in zip(sizes, given_sizes, strict=True)
        )

    def _output(self, x: Tensor) -> list[int]:
        """The size of the output: as given, and the input's own where it is None."""
        space = x.shape[-self.dims :]
        sizes = zip(self.output_size, space, strict=True)
        return [own if size is None else size for size, own in sizes]

    def _sizes(self) -> str:
        return times([-1 if size is None else size for size in self.output_size])

    def summary(self) -> str:
        return f"{type(self).__name__}, output: {self._sizes()}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._sizes()})"

    @classmethod
    def examples(cls) -> list[Example]:
        room, twin = [5, 4, 3][: cls.dims], f"torch.nn.{cls.__name__}"
        return [
            Example({"output_size": 2}, shapes=[(2, 3, *room)], reference=twin),
            Example({"output_size": 1}, shapes=[(2, 2, *room)], reference=twin),
            Example({"output_size": 3}, shapes=[(2, 2, *room)], reference=twin),
        ]


class _AdaptiveAvgPoolNd(_AdaptivePoolNd):
    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        check_image(self, x, self.dims)
        y: Tensor = call(self.dims, "_adaptive_avg_pool{}d", x, flat(self._output(x)))
        self.push((x.shape, y.shape))
        return y

    # y = (1/k) Σ x over each window of k elements:  dx = Σ dy / k over the windows it stands in.
    def backward(self, grad_output: Tensor) -> Tensor:
        shape, out = self.pop()
        check_grad_output(self, grad_output, out)
        like = grad_output.new_empty(shape)  # only its shape is read
        dx: Tensor = call(self.dims, "_adaptive_avg_pool{}d_backward", grad_output, like)
        return dx


class _AdaptiveMaxPoolNd(_AdaptivePoolNd):
    traceable = True

    def __init__(
        self, output_size: int | Sequence[int | None] | None, return_indices: bool = False
    ) -> None:
        super().__init__(output_size)
        self.return_indices = bool(return_indices)

    def forward(self, x: Tensor) -> Any:
        check_image(self, x, self.dims)
        y, indices = call(self.dims, "adaptive_max_pool{}d", x, flat(self._output(x)))
        self.push((x.shape, indices))
        return (y, indices) if self.return_indices else y

    # y = x[i] for the place i of the maximum:  dx_i = Σ dy over the windows whose maximum it is.
    def backward(self, grad_output: Tensor, grad_indices: None = None) -> Tensor:
        shape, indices = self.pop()
        check_grad_output(self, grad_output, indices.shape)
        like = grad_output.new_empty(shape)  # only its shape is read
        args = (grad_output, like, indices)
        dx: Tensor = call(self.dims, "adaptive_max_pool{}d_backward", *args)
        return dx


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """The mean over as many windows as the output is long. See `AdaptiveAvgPool2d`.

    Shapes: x (n, c, length), or without n; y (n, c, output_size).
    """

    dims = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """The mean over windows that are spread evenly, so that the output has a given size.

    In each dimension output i of m is the mean over the elements from ⌊i n / m⌋ to
    ⌈(i + 1) n / m⌉ − 1 of the n elements of the input.

    Shapes: x (n, c, height, width), or without n; y (n, c, *output_size).

    Args:
        output_size: one number, or one for each dimension; None keeps the size of the input.

    Raises:
        ArgumentError: a size that there is not.
        ShapeError, DtypeError: ``forward`` got an input that does not fit.
        ParameterError: the input records a graph of torch's autograd.
    """

    dims = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """The mean over windows of depth, height and width. See `AdaptiveAvgPool2d`.

    Shapes: x (n, c, depth, height, width), or without n; y (n, c, *output_size).
    """

    dims = 3


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """The maximum over as many windows as the output is long. See `AdaptiveMaxPool2d`.

    Shapes: x (n, c, length), or without n; y (n, c, output_size).
    """

    dims = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """The maximum over windows that are spread evenly, so that the output has a given size.

    The windows are those of `AdaptiveAvgPool2d`. Of equal elements the first gets the gradient.

    Shapes: x (n, c, height, width), or without n; y (n, c, *output_size).

    Args:
        output_size: one number, or one for each dimension; None keeps the size of the input.
        return_indices: return the pair (y, indices); an index counts within its own channel.

    Raises:
        ArgumentError: a size that there is not.
        ShapeError, DtypeError: ``forward`` got an input that does not fit.
        ParameterError: the input records a graph of torch's autograd.
    """

    dims = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """The maximum over windows of depth, height and width. See `AdaptiveMaxPool2d`.

    Shapes: x (n, c, depth, height, width), or without n; y (n, c, *output_size).
    """

    dims = 3
