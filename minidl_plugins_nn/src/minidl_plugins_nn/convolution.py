"""Convolutions over one, two and three dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch

from minidl_core import ArgumentError, BaseModule, Example, check_alike, check_grad_output
from minidl_plugins_nn.convolution_weights import (
    PADDING_MODES,
    check_channels,
    check_padding_mode,
    uniform_weights,
)
from minidl_plugins_nn.half import wide_on_cpu
from minidl_plugins_nn.image_sizes import check_image, check_windows, each_size, times
from minidl_plugins_nn.padding import check_pads, pad, pad_backward

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["Conv1d", "Conv2d", "Conv3d"]

_aten = torch.ops.aten


class _ConvNd(BaseModule):
    dims: ClassVar[int]
    traceable = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | str | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        where, dims = type(self).__name__, self.dims
        check_channels(where, in_channels, out_channels, groups)
        check_padding_mode(where, padding_mode, list(PADDING_MODES))
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = each_size(where, "kernel_size", kernel_size, dims)
        self.stride = each_size(where, "stride", stride, dims)
        self.dilation = each_size(where, "dilation", dilation, dims)
        self.padding_mode = padding_mode
        self.padding: str | tuple[int, ...]
        if isinstance(padding, str):
            self.padding = padding
            sides = self._sides_by_name(padding)
        else:
            self.padding = each_size(where, "padding", padding, dims, least=0)
            sides = [(p, p) for p in self.padding]
        # The kernel itself pads by zeros, as much on both sides. Else the input is padded first.
        by_kernel = padding_mode == "zeros" and all(left == right for left, right in sides)
        self._inner = tuple(left if by_kernel else 0 for left, _ in sides)
        self._pads = () if by_kernel else tuple(p for pair in reversed(sides) for p in pair)
        self.weight, self.bias = uniform_weights(
            (out_channels, in_channels // groups, *self.kernel_size),
            out_channels if bias else 0,
            generator,
            dtype,
            device,
        )

    def _sides_by_name(self, padding: str) -> list[tuple[int, int]]:
        """``"same"`` adds d (k − 1) elements, an odd one at the end; ``"valid"`` adds none."""
        if padding not in ("same", "valid") or (padding == "same" and set(self.stride) != {1}):
            raise ArgumentError(
                'padding must be a whole number, "valid", or "same" with a stride of 1, got '
                f"{padding!r} with stride {times(self.stride)}",
                where=type(self).__name__,
            )
        if padding == "valid":
            return [(0, 0)] * self.dims
        totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]

    def forward(self, x: Tensor) -> Tensor:
        check_image(self, x, self.dims, self.in_channels)
        check_alike(self, "input", x, "weight", self.weight.value)
        shape, mode = x.shape, PADDING_MODES[self.padding_mode]
        if self._pads:
            check_pads(self, shape, self._pads, mode)
            x = pad(x, self._pads, mode)
        space = x.shape[-self.dims :]
        check_windows(self, space, self.kernel_size, self.stride, self._inner, self.dilation)
        x = x if x.ndim == self.dims + 2 else x.unsqueeze(0)
        bias = None if self.bias is None else self.bias.value
        y: Tensor = _aten.convolution(x, self.weight.value, bias, *self._geometry())
        y = y if len(shape) == self.dims + 2 else y.squeeze(0)
        self.push((x, shape, y.shape))
        return y

    # Y = W ⋆ X + b:  dW = Σₙ dY ⋆ X,  db = Σ dY,  dX = dY spread back by W (a transposed
    # convolution). dX is an operation of its own, so that an engine can leave it out.
    def backward(self, grad_output: Tensor) -> Tensor:
        x, shape, out = self.pop()
        check_grad_output(self, grad_output, out)
        dy = grad_output if len(shape) == self.dims + 2 else grad_output.unsqueeze(0)
        sizes = None if self.bias is None else [self.out_channels]
        args = (dy, x, self.weight.value)
        rest = (sizes, *self._geometry())
        mask = [False, True, self.bias is not None]
        _, dw, db = _aten.convolution_backward(*map(wide_on_cpu, args), *rest, mask)
        self.weight.grad += dw
        if self.bias is not None:
            self.bias.grad += db
        dx: Tensor = _aten.convolution_backward(*args, *rest, [True, False, False])[0]
        dx = dx if len(shape) == self.dims + 2 else dx.squeeze(0)
        if self._pads:
            dx = pad_backward(dx, shape, self._pads, PADDING_MODES[self.padding_mode])
        return dx

    def _geometry(self) -> tuple[Any, ...]:
        """The arguments of torch's kernel from the stride on: nothing is transposed."""
        none = [0] * self.dims
        return (self.stride, self._inner, self.dilation, False, none, self.groups)

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
        room, twin = [5, 4, 3][: cls.dims], f"torch.nn.{cls.__name__}"
        plain = {"in_channels": 2, "out_channels": 3, "kernel_size": 2}
        grouped = {"in_channels": 2, "out_channels": 4, "kernel_size": 3, "stride": 2, "groups": 2}
        padded = {"in_channels": 1, "out_channels": 2, "kernel_size": 2, "padding": "same"}
        return [
            Example(plain, shapes=[(2, 2, *room)], reference=twin),
            Example(
                {**grouped, "padding": 1, "bias": False}, shapes=[(2, 2, *room)], reference=twin
            ),
            Example(
                {**padded, "dilation": 2, "padding_mode": "circular"},
                shapes=[(2, 1, *room)],
                reference=twin,
            ),
        ]


class Conv1d(_ConvNd):
    """Y[n, o, t] = b[o] + Σ W[o, i, k] X[n, i, s t + d k]: a convolution over a sequence.

    The sum runs over the input channels i and the places k of the kernel; s is the stride and d the
    dilation. X is continued over its ends by `padding` elements first. As everywhere in the field
    the kernel is not mirrored. See `Conv2d` for arguments, attributes and errors.

    Shapes: X (n, in, length), or without n; W (out, in / groups, k), b (out,), Y (n, out, length').
    """

    dims = 1


class Conv2d(_ConvNd):
    """Y[n, o, y, x] = b[o] + Σ W[o, i, k, l] X[n, i, s y + d k, s x + d l]: a convolution.

    The sum runs over the input channels i and the places (k, l) of the kernel; s is the stride and
    d the dilation. X is continued over its edges by `padding` elements first. As everywhere in the
    field the kernel is not mirrored.

    Shapes: X (n, in, height, width), or without n; W (out, in / groups, k, l), b (out,),
    Y (n, out, height', width') with height' = ⌊(height + 2 p − d (k − 1) − 1) / s⌋ + 1.

    W and b are drawn from U(−1/√f, 1/√f), W first; f = in / groups · k · l.

    Args:
        in_channels, out_channels: the numbers of channels.
        kernel_size: the size of the kernel; it, and the three that follow, is one number or one
            for each dimension.
        stride: how far apart neighbouring windows are.
        padding: how many elements are added on each side; ``"same"`` keeps the size (an odd
            element is added at the end), ``"valid"`` adds none.
        dilation: how far apart the elements of one window are.
        groups: into how many groups the channels are split; each sees only its own.
        bias: whether to add b.
        padding_mode: what is added: ``"zeros"``, ``"reflect"``, ``"replicate"``, ``"circular"``.
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


class Conv3d(_ConvNd):
    """Y[n, o, z, y, x] = b[o] + Σ W[o, i, j, k, l] X[n, i, s z + d j, s y + d k, s x + d l].

    A convolution over depth, height and width. See `Conv2d` for arguments, attributes and errors.

    Shapes: X (n, in, depth, height, width), or without n; W (out, in / groups, j, k, l), b (out,),
    Y (n, out, depth', height', width').
    """

    dims = 3
