"""The masks of attention, made one sum that is added to the scores."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from minidl_core import DeviceError, DtypeError, ShapeError, check_no_graph

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["merged_mask"]


def merged_mask(
    layer: object,
    attn_mask: Tensor | None,
    key_padding_mask: Tensor | None,
    heads: int,
    batched: bool,
    scores: tuple[int, int, int],
    like: Tensor,
) -> Tensor | None:
    """Return M, which is added to the scores, broadcastable to (N, H, L, S); None without masks.

    True in a mask of bool becomes −∞; a mask of numbers is added as it is.

    Args:
        attn_mask: (L, S), or (N·H, L, S) for each batch element and head.
        key_padding_mask: (N, S), or (S,) for an input without a batch.
        scores: N, L and S.
        like: a tensor of the scores' dtype and device.

    Raises:
        ShapeError, DtypeError, DeviceError: a mask does not fit.
    """
    n, length, source = scores
    total: Tensor | None = None
    if attn_mask is not None:
        m = _additive(layer, "attn_mask", attn_mask, like)
        allowed = [(length, source), (n * heads, length, source)]
        _check_shape(layer, "attn_mask", m, allowed)
        total = m if m.ndim == 2 else m.reshape(n, heads, length, source)
    if key_padding_mask is not None:
        m = _additive(layer, "key_padding_mask", key_padding_mask, like)
        _check_shape(layer, "key_padding_mask", m, [(n, source) if batched else (source,)])
        m = m.reshape(n, 1, 1, source)
        total = m if total is None else total + m
    if total is None or total.ndim == 4:
        return total
    return total[None, None]


def _additive(layer: object, name: str, mask: Tensor, like: Tensor) -> Tensor:
    check_no_graph(layer, name, mask)
    if mask.device != like.device:
        raise DeviceError(
            f"expected {name} on the device of the input, {like.device}, got {mask.device}; "
            f'move it: mask.to("{like.device}")',
            where=layer,
        )
    if mask.dtype == torch.bool:
        zeros = torch.zeros(mask.shape, dtype=like.dtype, device=like.device)
        return zeros.masked_fill(mask, -math.inf)
    if mask.dtype != like.dtype:
        raise DtypeError(
            f"expected {name} of torch.bool or {like.dtype}, got {mask.dtype}; convert it: "
            "mask.bool()",
            where=layer,
        )
    return mask


def _check_shape(layer: object, name: str, mask: Tensor, allowed: list[tuple[int, ...]]) -> None:
    if tuple(mask.shape) not in allowed:
        shapes = " or ".join(map(str, allowed))
        raise ShapeError(
            f"expected {name} of shape {shapes}, got {tuple(mask.shape)}; reshape it", where=layer
        )
