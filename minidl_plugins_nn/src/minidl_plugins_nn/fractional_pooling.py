"""The maximum over windows whose places are drawn, so that sizes shrink by any ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch

from minidl_core import ArgumentError, BaseModule, Example, ShapeError, check_grad_output
from minidl_plugins_nn.image_sizes import check_image, each_size, times
from minidl_plugins_nn.windows import call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["FractionalMaxPool2d", "FractionalMaxPool3d"]


class _FractionalMaxPoolNd(BaseModule):
    dims: ClassVar[int]
    traceable = True
    conformance_exceptions: ClassVar[dict[str, str]] = {
        "evaluation_mode": "windows are drawn in evaluation, too, as in torch",
        "state_round_trip": "windows are drawn in evaluation, too, as in torch",
        "eval_is_mean_of_train": "evaluation draws as training does",
    }

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        output_size: int | Sequence[int] | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        where, dims = type(self).__name__, self.dims
        self.kernel_size = each_size(where, "kernel_size", kernel_size, dims)
        if (output_size is None) == (output_ratio is None):
            raise ArgumentError(
                f"give either output_size or output_ratio, got {output_size!r} and "
                f"{output_ratio!r}",
                where=where,
            )
        self.output_size: tuple[int, ...] | None = None
        self.output_ratio: tuple[float, ...] | None = None
        if output_size is not None:
            self.output_size = each_size(where, "output_size", output_size, dims)
        else:
            several = output_ratio if isinstance(output_ratio, (tuple, list)) else None
            ratios = tuple(several or [output_ratio] * dims)
            if len(ratios) != dims or not all(
                isinstance(ratio, float) and 0 < ratio < 1 for ratio in ratios
            ):
                raise ArgumentError(
                    f"output_ratio must be a number between 0 and 1, or {dims} of them, got "
                    f"{output_ratio!r}",
                    where=where,
                )
            self.output_ratio = ratios
        self.return_indices = bool(return_indices)
        self.generator = generator
        self._random_samples: Tensor | None
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, x: Tensor) -> Any:
        check_image(self, x, self.dims)
        space = x.shape[-self.dims :]
        size = self._output(space)
        batch = x if x.ndim == self.dims + 2 else x.unsqueeze(0)
        samples = self._random_samples
        if samples is None:
            samples = torch.rand(
                (*batch.shape[:2], self.dims),
                generator=self.generator,
                dtype=x.dtype,
                device=x.device,
            )
        kernel = list(self.kernel_size)
        y, indices = call(self.dims, "fractional_max_pool{}d", batch, kernel, size, samples)
        if x.ndim == self.dims + 1:
            y, indices = y.squeeze(0), indices.squeeze(0)
        self.push((x.shape, indices, size))
        return (y, indices) if self.return_indices else y

    # y = x[i] for the place i of the maximum:  dx_i = Σ dy over the windows whose maximum it is.
    def backward(self, grad_output: Tensor, grad_indices: None = None) -> Tensor:
        shape, indices, size = self.pop()
        check_grad_output(self, grad_output, indices.shape)
        like = grad_output.new_empty(shape)  # only its shape is read
        args = (grad_output, like, list(self.kernel_size), size, indices)
        dx: Tensor = call(self.dims, "fractional_max_pool{}d_backward", *args)
        return dx

    def _output(self, space: Sequence[int]) -> list[int]:
        if self.output_size is not None:
            size = list(self.output_size)
        else:
            ratios = self.output_ratio or ()
            size = [int(n * ratio) for n, ratio in zip(space, ratios, strict=True)]
        rows = zip(space, size, self.kernel_size, strict=True)
        if any(out < 1 or out + k - 1 > n for n, out, k in rows):
            raise ShapeError(
                f"windows of {times(self.kernel_size)} cannot give an output of {times(size)} from "
                f"an input of {times(space)}; each output size must be at least 1 and at most the "
                "input's size less the kernel's, plus 1",
                where=self,
            )
        return size

    def summary(self) -> str:
        to = times(self.output_size) if self.output_size else f"ratio {self.output_ratio}"
        return f"{type(self).__name__}, kernel: {times(self.kernel_size)}, output: {to}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({times(self.kernel_size)})"

    @classmethod
    def examples(cls) -> list[Example]:
        room = [7, 6, 5][: cls.dims]
        return [
            Example({"kernel_size": 2, "output_size": 3}, shapes=[(2, 3, *room)]),
            Example({"kernel_size": 2, "output_ratio": 0.6}, shapes=[(2, 2, *room)]),
        ]


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """The maximum over windows at drawn places, so that the output has any size.

    With one u ~ U(0, 1) for each row, channel and dimension and α = (n − k) / (m − 1), the window
    of output i of m starts at ⌊α (i + u)⌋ − ⌊α u⌋, the last one at n − k. Places are drawn in
    training and in evaluation, as in torch.

    Shapes: x (n, c, height, width), or without n; y (n, c, *output_size).

    Args:
        kernel_size: the size of the window, one number or one for each dimension.
        output_size: the size of the output, likewise.
        output_ratio: the size of the output as a part of the input's, between 0 and 1; either this
            or `output_size`.
        return_indices: return the pair (y, indices); an index counts within its own channel.
        _random_samples: the numbers u, (n, c, dimensions), in place of drawn ones.
        generator: where u comes from; torch's global generator when left out.

    Raises:
        ArgumentError: a size or a ratio that there is not.
        ShapeError, DtypeError: ``forward`` got an input that does not fit.
        ParameterError: the input records a graph of torch's autograd.

    Reference: B. Graham, Fractional max-pooling, 2014.
    """

    dims = 2


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """The maximum over windows at drawn places of depth, height and width.

    Shapes: x (n, c, depth, height, width), or without n. See `FractionalMaxPool2d`.
    """

    dims = 3
