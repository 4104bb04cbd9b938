"""Many tensors as parts of one, so that one operation does for all of them.

A tensor that is moved stays the same object with the same elements; only its memory is another.
None is moved whose memory anything else refers to: a view, an array of NumPy, another process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["flat_over", "layout"]

ALIGNMENT = 64  # bytes, at which torch itself begins a tensor, and which kernels may depend on
ALONE = 2  # references to the memory of a tensor: its own, and the one made by asking


def layout(tensors: list[Tensor]) -> tuple[list[int], int]:
    """Return where each part begins, and the length of the whole, in elements."""
    step = ALIGNMENT // tensors[0].element_size()
    offsets, end = [], 0
    for tensor in tensors:
        offsets.append(end)
        end += -(-tensor.numel() // step) * step
    return offsets, end


def flat_over(tensors: list[Tensor], *, move: bool) -> Tensor | None:
    """Return a tensor of which `tensors` are the parts, or None if there is none.

    With `move` they are made to be its parts; without, nothing changes, and the result is an empty
    tensor if that is possible.
    """
    offsets, length = layout(tensors)
    if _are_parts(tensors, offsets, length):
        return tensors[0].new_empty(0).set_(tensors[0].untyped_storage(), 0, (length,), (1,))
    if not all(map(_is_movable, tensors)):
        return None
    if not move:
        return tensors[0].new_empty(0)
    flat = tensors[0].new_zeros(length)
    for tensor, offset in zip(tensors, offsets, strict=True):
        shape, stride = tensor.shape, tensor.stride()
        flat[offset : offset + tensor.numel()].view(shape).copy_(tensor)
        tensor.set_(flat.untyped_storage(), offset, shape, stride)
    return flat


def _are_parts(tensors: list[Tensor], offsets: list[int], length: int) -> bool:
    storage = tensors[0].untyped_storage()
    return storage.nbytes() == length * tensors[0].element_size() and all(
        tensor.untyped_storage()._cdata == storage._cdata
        and tensor.storage_offset() == offset
        and tensor.is_contiguous()
        for tensor, offset in zip(tensors, offsets, strict=True)
    )


def _is_movable(tensor: Tensor) -> bool:
    storage = tensor.untyped_storage()
    return (
        tensor.is_contiguous()
        and tensor.storage_offset() == 0
        and storage.nbytes() == tensor.nbytes
        and storage.resizable()
        and not (tensor.is_cpu and storage.is_shared())
        and torch._C._storage_Use_Count(storage._cdata) == ALONE
    )
