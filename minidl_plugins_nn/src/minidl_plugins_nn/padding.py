"""How an image is continued over its edges, and the derivative of that."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import torch

from minidl_core import ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["check_pads", "pad", "pad_backward"]

# Pads are ordered as in torch: the last dimension first, (left, right, top, bottom, front, back).

_aten = torch.ops.aten
_KERNELS = MappingProxyType(
    {
        "reflect": (
            (_aten.reflection_pad1d, _aten.reflection_pad1d_backward),
            (_aten.reflection_pad2d, _aten.reflection_pad2d_backward),
            (_aten.reflection_pad3d, _aten.reflection_pad3d_backward),
        ),
        "replicate": (
            (_aten.replication_pad1d, _aten.replication_pad1d_backward),
            (_aten.replication_pad2d, _aten.replication_pad2d_backward),
            (_aten.replication_pad3d, _aten.replication_pad3d_backward),
        ),
    }
)


def check_pads(layer: object, shape: Sequence[int], pads: Sequence[int], mode: str) -> None:
    """Check that an input of this `shape` can be continued by `pads`.

    Raises:
        ShapeError: ``"reflect"`` needs pads below the size, ``"circular"`` pads up to the size,
            and every output needs at least one element.
    """
    for axis in range(1, len(pads) // 2 + 1):
        size, before, after = shape[-axis], pads[2 * axis - 2], pads[2 * axis - 1]
        most = {"reflect": size - 1, "circular": size}.get(mode)
        if (most is not None and max(before, after) > most) or size + before + after < 1:
            limit = "" if most is None else f"at most {most} on each side and "
            raise ShapeError(
                f"cannot pad dimension {len(shape) - axis} of size {size} by {before} and {after}: "
                f'the mode "{mode}" needs {limit}an output that is not empty',
                where=layer,
            )


def pad(x: Tensor, pads: Sequence[int], mode: str, value: float = 0.0) -> Tensor:
    """Return `x` with its last dimensions continued.

    ``"constant"`` puts in `value`, ``"replicate"`` the nearest element, ``"reflect"`` the mirror
    image about the edge element, ``"circular"`` the elements of the other end. A negative pad of
    ``"constant"`` cuts off.
    """
    padded: Tensor
    if mode == "constant":
        padded = _aten.constant_pad_nd(x, pads, value)
        return padded
    if mode != "circular":
        padded = _KERNELS[mode][len(pads) // 2 - 1][0](x, pads)
        return padded
    for axis in range(1, len(pads) // 2 + 1):
        before, after = pads[2 * axis - 2 : 2 * axis]
        size = x.shape[-axis]
        x = x.index_select(-axis, torch.arange(-before, size + after, device=x.device) % size)
    return x


# y = x[s(j)] for a source s(j) of each output j, so dx_i = Σ dy_j over all j with s(j) = i.
# "circular": output j = i + before + k n has the source i for k = −1, 0 and 1: three cuts of dy.
def pad_backward(
    grad_output: Tensor, shape: Sequence[int], pads: Sequence[int], mode: str
) -> Tensor:
    """Return the gradient with respect to the input, which had this `shape`."""
    grad: Tensor
    if mode == "constant":
        grad = _aten.constant_pad_nd(grad_output, [-each for each in pads], 0.0)
        return grad
    if mode != "circular":
        like = grad_output.new_empty(shape)  # only its shape is read
        grad = _KERNELS[mode][len(pads) // 2 - 1][1](grad_output, like, pads)
        return grad
    grad = grad_output
    for axis in range(1, len(pads) // 2 + 1):
        before, after = pads[2 * axis - 2 : 2 * axis]
        size = shape[-axis]
        none = [0, 0] * (axis - 1)
        turns = [0, *([-1] if before > 0 else []), *([1] if after > 0 else [])]
        cuts = [
            _aten.constant_pad_nd(grad, [*none, -before - k * size, k * size - after], 0.0)
            for k in turns
        ]
        grad = sum(cuts[1:], cuts[0])
    return grad
