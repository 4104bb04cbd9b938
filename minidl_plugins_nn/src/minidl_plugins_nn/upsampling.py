"""Images in another size, by repeating or interpolating."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    ShapeError,
    check_grad_output,
    check_no_graph,
)
from minidl_plugins_nn.image_sizes import check_image, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]

# The kernels of torch by mode and dimensions; which of them take `align_corners`.
_KERNELS = MappingProxyType(
    {
        "nearest": MappingProxyType({d: f"upsample_nearest{d}d" for d in (1, 2, 3)}),
        "nearest-exact": MappingProxyType({d: f"_upsample_nearest_exact{d}d" for d in (1, 2, 3)}),
        "linear": MappingProxyType({1: "upsample_linear1d"}),
        "bilinear": MappingProxyType({2: "upsample_bilinear2d"}),
        "bicubic": MappingProxyType({2: "upsample_bicubic2d"}),
        "trilinear": MappingProxyType({3: "upsample_trilinear3d"}),
    }
)
_ALIGNED = ("linear", "bilinear", "bicubic", "trilinear")


class Upsample(BaseModule):
    """An image in another size: each place of the output looks at the input at a place of its own.

    Output j of m lies at the input's (j + ½) n / m − ½, or at j (n − 1) / (m − 1) with
    `align_corners`. ``"nearest"`` takes the element ⌊j n / m⌋, ``"nearest-exact"`` the one that is
    nearest, and the others the polynomial of degree 1, or 3 in ``"bicubic"``, through the
    neighbouring elements. With a scale factor s, 1 / s stands for n / m, unless
    `recompute_scale_factor` is True.

    Shapes: x (n, c, length) for linear, (n, c, height, width) for bilinear and bicubic, (n, c,
    depth, height, width) for trilinear, each of them for nearest; y has `size`, or
    ⌊s · size of x⌋, in the dimensions after the channels.

    Args:
        size: the size of the output, one number or one for each dimension.
        scale_factor: how many times the size of the input it is, likewise; either this or `size`.
        mode: ``"nearest"``, ``"nearest-exact"``, ``"linear"``, ``"bilinear"``, ``"bicubic"`` or
            ``"trilinear"``.
        align_corners: whether the corner elements of input and output lie on each other; only for
            the last four.
        recompute_scale_factor: whether n / m is taken from the sizes.

    Raises:
        ArgumentError: a value or a combination that there is not.
        ShapeError, DtypeError: ``forward`` got an input that does not fit.
        ParameterError: the input records a graph of torch's autograd.

    Reference of the bicubic kernel: R. Keys, Cubic convolution interpolation for digital image
    processing, 1981, with a = −3/4.
    """

    traceable = True

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        where = type(self).__name__
        if mode not in _KERNELS:
            raise ArgumentError(
                f"mode must be one of {', '.join(map(repr, _KERNELS))}, got {mode!r}", where=where
            )
        if (size is None) == (scale_factor is None) or (
            size is not None and recompute_scale_factor
        ):
            raise ArgumentError(
                f"give either size, or scale_factor, got {size!r} and {scale_factor!r}; "
                "recompute_scale_factor goes with the latter",
                where=where,
            )
        if align_corners is not None and mode not in _ALIGNED:
            raise ArgumentError(
                f"align_corners is for the modes {', '.join(map(repr, _ALIGNED))}, got mode "
                f"{mode!r}; leave it out",
                where=where,
            )
        self.size = _each(where, "size", size, int)
        self.scale_factor = _each(where, "scale_factor", scale_factor, (int, float))
        self.mode, self.align_corners = mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, x: Tensor) -> Tensor:
        check_no_graph(self, "input", x)
        dims = x.ndim - 2
        if dims not in _KERNELS[self.mode]:
            several = " or ".join(str(d + 2) for d in _KERNELS[self.mode])
            raise ShapeError(
                f"expected an input of {several} dimensions, with batch and channels, for the mode "
                f'"{self.mode}", got {tuple(x.shape)}',
                where=self,
            )
        check_image(self, x, dims)
        size, rest = self._geometry(x.shape[2:])
        y: Tensor = getattr(torch.ops.aten, _KERNELS[self.mode][dims])(x, size, *rest)
        self.push((x.shape, y.shape))
        return y

    # y_j = Σ w_ji x_i with fixed weights w:  dx_i = Σ w_ji dy_j.
    def backward(self, grad_output: Tensor) -> Tensor:
        shape, out = self.pop()
        check_grad_output(self, grad_output, out)
        kernel = getattr(torch.ops.aten, f"{_KERNELS[self.mode][len(shape) - 2]}_backward")
        size, rest = self._geometry(shape[2:])
        dx: Tensor = kernel(grad_output, size, shape, *rest)
        return dx

    def _geometry(self, space: Sequence[int]) -> tuple[list[int], list[Any]]:
        """Return the size of the output, and the arguments of the kernel after the sizes."""
        dims = len(space)
        given = self.size or self.scale_factor
        many = given if isinstance(given, tuple) else (given,) * dims
        if len(many) != dims:
            raise ShapeError(
                f"expected an input of {len(many)} dimensions after the channels, as many as there "
                f"are sizes, got {dims}",
                where=self,
            )
        scales: list[float | None] = [None] * dims
        size = [int(each) for each in many]
        if self.size is None:
            size = [int(n * each) for n, each in zip(space, many, strict=True)]
            if not self.recompute_scale_factor:
                scales = [float(each) for each in many]
        if 0 in size:
            raise ShapeError(
                f"the output would be empty: {times(space)} becomes {times(size)}; take a larger "
                "scale_factor",
                where=self,
            )
        return size, [*([bool(self.align_corners)] if self.mode in _ALIGNED else []), *scales]

    def summary(self) -> str:
        to = f"size: {self.size}" if self.size else f"factor: {self.scale_factor}"
        return f"{type(self).__name__}, {to}, mode: {self.mode}"

    @classmethod
    def examples(cls) -> list[Example]:
        cases: list[tuple[dict[str, Any], tuple[int, ...]]] = [
            ({"scale_factor": 2}, (2, 2, 3)),
            ({"size": 4, "mode": "linear"}, (2, 2, 3)),
            ({"scale_factor": 1.7, "mode": "bilinear"}, (2, 2, 3, 2)),
            ({"size": (4, 5), "mode": "bicubic", "align_corners": True}, (2, 1, 3, 2)),
            ({"scale_factor": (2, 1, 3), "mode": "trilinear"}, (2, 1, 3, 2, 2)),
        ]
        twin = "torch.nn.Upsample"
        return [Example(kwargs, shapes=[shape], reference=twin) for kwargs, shape in cases]


def _each(where: str, name: str, value: Any, kind: Any) -> Any:
    """Return positive numbers of a `kind`: None, one of them, or a tuple of up to three."""
    many = value if isinstance(value, (tuple, list)) else [value]
    if value is not None and (
        len(many) not in (1, 2, 3)
        or not all(isinstance(n, kind) and not isinstance(n, bool) and n > 0 for n in many)
    ):
        what = "a whole number" if kind is int else "a number"
        raise ArgumentError(
            f"{name} must be {what} above 0, or one for each dimension, got {value!r}", where=where
        )
    return tuple(value) if isinstance(value, (tuple, list)) else value


class _Upsampling2d(Upsample):
    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        check_image(self, x, 2)
        return super().forward(x)

    @classmethod
    def examples(cls) -> list[Example]:
        twin = f"torch.nn.{cls.__name__}"
        cases: Any = (({"scale_factor": 2}, (2, 2, 3, 2)), ({"size": (4, 5)}, (2, 1, 3, 2)))
        return [Example(kwargs, shapes=[shape], reference=twin) for kwargs, shape in cases]


class UpsamplingNearest2d(_Upsampling2d):
    """`Upsample` with the mode ``"nearest"``, for images (n, c, height, width)."""

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(_Upsampling2d):
    """`Upsample` with the mode ``"bilinear"`` and aligned corners, for images."""

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, "bilinear", align_corners=True)
