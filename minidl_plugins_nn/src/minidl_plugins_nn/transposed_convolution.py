"""Transposed convolutions over one, two and three dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    ShapeError,
    check_alike,
    check_grad_output,
)
from minidl_plugins_nn.convolution_weights import (
    check_channels,
    check_padding_mode,
    uniform_weights,
)
from minidl_plugins_nn.half import wide_on_cpu
from minidl_plugins_nn.image_sizes import check_image, each_size, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

_aten = torch.ops.aten


class _ConvTransposeNd(BaseModule):
    dims: ClassVar[int]
    traceable = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Sequence[int] = 1,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        where, dims = type(self).__name__, self.dims
        check_channels(where, in_channels, out_channels, groups)
        check_padding_mode(where, padding_mode, ["zeros"])
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = each_size(where, "kernel_size", kernel_size, dims)
        self.stride = each_size(where, "stride", stride, dims)
        self.padding = each_size(where, "padding", padding, dims, least=0)
        self.output_padding = each_size(where, "output_padding", output_padding, dims, least=0)
        self.dilation = each_size(where, "dilation", dilation, dims)
        self.padding_mode = padding_mode
        rows = zip(self.output_padding, self.stride, self.dilation, strict=True)
        if any(extra >= max(s, d) for extra, s, d in rows):
            raise ArgumentError(
                "output_padding must be smaller than the stride or the dilation, got "
                f"{times(self.output_padding)} with stride {times(self.stride)} and dilation "
                f"{times(self.dilation)}",
                where=where,
            )
        self.weight, self.bias = uniform_weights(
            (in_channels, out_channels // groups, *self.kernel_size),
            out_channels if bias else 0,
            generator,
            dtype,
            device,
        )

    def forward(self, x: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        check_image(self, x, self.dims, self.in_channels)
        check_alike(self, "input", x, "weight", self.weight.value)
        extra = self._output_padding(x.shape[-self.dims :], output_size)
        bias = None if self.bias is None else self.bias.value
        batch = x if x.ndim == self.dims + 2 else x.unsqueeze(0)
        y: Tensor = _aten.convolution(batch, self.weight.value, bias, *self._geometry(extra))
        y = y if x.ndim == self.dims + 2 else y.squeeze(0)
        self.push((x, y.shape, extra))
        return y

    # Y[s x + d k] += W[k] X[x], + b:  db = Σ dY,  dX[x] = Σₖ W[k] dY[s x + d k] (a convolution),
    # dW[k] = Σₓ X[x] dY[s x + d k]. dX is an operation of its own, for engines to leave out.
    def backward(self, grad_output: Tensor) -> Tensor:
        x, shape, extra = self.pop()
        check_grad_output(self, grad_output, shape)
        batched = x.ndim == self.dims + 2
        dy, batch = (t if batched else t.unsqueeze(0) for t in (grad_output, x))
        sizes = None if self.bias is None else [self.out_channels]
        args = (dy, batch, self.weight.value)
        rest = (sizes, *self._geometry(extra))
        mask = [False, True, self.bias is not None]
        _, dw, db = _aten.convolution_backward(*map(wide_on_cpu, args), *rest, mask)
        self.weight.grad += dw
        if self.bias is not None:
            self.bias.grad += db
        dx: Tensor = _aten.convolution_backward(*args, *rest, [True, False, False])[0]
        return dx if batched else dx.squeeze(0)

    def _geometry(self, extra: tuple[int, ...]) -> tuple[Any, ...]:
        """The arguments of torch's kernel from the stride on: transposed."""
        return (self.stride, self.padding, self.dilation, True, extra, self.groups)

    def _output_padding(
        self, space: Sequence[int], output_size: Sequence[int] | None
    ) -> tuple[int, ...]:
        """Return the elements to add at the end of each dimension to reach `output_size`."""
        rows = zip(space, self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in rows]
        if output_size is None:
            extra = self.output_padding
        else:
            wanted = tuple(output_size)[-self.dims :]
            extra = tuple(w - n for w, n in zip(wanted, least, strict=False))
            room = [max(s, d) for s, d in zip(self.stride, self.dilation, strict=True)]
            if len(extra) != self.dims or any(
                not 0 <= e < r for e, r in zip(extra, room, strict=True)
            ):
                most = [n + r - 1 for n, r in zip(least, room, strict=True)]
                raise ShapeError(
                    f"output_size must be from {times(least)} to {times(most)} for an input of "
                    f"size {times(space)}, got {tuple(output_size)}",
                    where=self,
                )
        if any(n + e < 1 for n, e in zip(least, extra, strict=True)):
            raise ShapeError(
                f"the input of size {times(space)} gives an empty output; give a larger input, or "
                f"take less padding than {times(self.padding)}",
                where=self,
            )
        return extra

    def summary(self) -> str:
        return (
            f"{type(self).__name__}, in: {self.in_channels}, out: {self.out_channels}, "
            f"kernel: {times(self.kernel_size)}, biases: {self.bias is not None}"
        )

    def __repr__(self) -> str:
        name, kernel = type(self).__name__, times(self.kernel_size)
        return f"{name}({self.in_channels} → {self.out_channels}, {kernel})"

    @classmethod
    def examples(cls) -> list[Example]:
        room, twin = [4, 3, 2][: cls.dims], f"torch.nn.{cls.__name__}"
        plain = {"in_channels": 2, "out_channels": 3, "kernel_size": 2}
        grouped = {"in_channels": 2, "out_channels": 4, "kernel_size": 3, "stride": 2, "groups": 2}
        return [
            Example(plain, shapes=[(2, 2, *room)], reference=twin),
            Example(
                {**grouped, "padding": 1, "output_padding": 1, "bias": False},
                shapes=[(2, 2, *room)],
                reference=twin,
            ),
        ]


class ConvTranspose1d(_ConvTransposeNd):
    """Y[n, o, s t + d k − p] = b[o] + Σ W[i, o, k] X[n, i, t]: a `Conv1d` run backward.

    As `ConvTranspose2d` is, for X (n, in, length), W (in, out / groups, k), Y (n, out, length').
    """

    dims = 1


class ConvTranspose2d(_ConvTransposeNd):
    """Y[n, o, s y + d k − p, …] = b[o] + Σ W[i, o, k, l] X[n, i, y, x]: a `Conv2d` run backward.

    Each input element spreads the kernel over the output; what meets in one place is summed. It is
    the derivative of the convolution of the same arguments, which enlarges where that shrinks.

    Shapes: X (n, in, height, width), or without n; W (in, out / groups, k, l), b (out,),
    Y (n, out, height', width') with height' = (height − 1) s − 2 p + d (k − 1) + extra + 1.

    W and b are drawn from U(−1/√f, 1/√f), W first; f = out / groups · k · l, as in torch.

    Args:
        in_channels, out_channels, kernel_size, stride, dilation, groups, bias: as in `Conv2d`.
        padding: how many elements are cut off each side of the output.
        output_padding: how many are added at the end, to tell sizes apart that the convolution
            brings to one. ``forward(x, output_size)`` finds it from the size of the output.
        padding_mode: ``"zeros"``.
        device, dtype: of the parameters; torch's defaults when left out.
        generator: where the first weights come from; torch's global generator when left out.

    Attributes:
        weight, bias: the `Parameter` W, and b or None; named and laid out as in torch.nn.

    Raises:
        ArgumentError: a size, a mode or a combination that there is not.
        ShapeError, DtypeError, DeviceError: ``forward`` got an input that does not fit.
        ParameterError: the input records a graph of torch's autograd.

    Reference: V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning, 2016.
    """

    dims = 2


class ConvTranspose3d(_ConvTransposeNd):
    """A `Conv3d` run backward, over depth, height and width.

    See `ConvTranspose2d` for the equation, arguments, attributes and errors.

    Shapes: X (n, in, depth, height, width), or without n; W (in, out / groups, j, k, l), b (out,),
    Y (n, out, depth', height', width').
    """

    dims = 3
