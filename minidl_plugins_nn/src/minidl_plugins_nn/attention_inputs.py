"""The inputs of attention: their checks, and the way to heads and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import ShapeError, check_alike, check_no_graph

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["check_inputs", "from_heads", "to_heads"]


def check_inputs(
    layer: object,
    inputs: tuple[Tensor, Tensor, Tensor],
    features: tuple[int, int, int],
    batch_axis: int,
    weight: Tensor,
) -> None:
    """Check that query, key and value fit each other and the layer.

    Raises:
        ShapeError, DtypeError, DeviceError: they do not.
    """
    for role, x in zip(("query", "key", "value"), inputs, strict=True):
        check_no_graph(layer, role, x)
    query, key, value = inputs
    order = "(batch, length, features)" if batch_axis == 0 else "(length, batch, features)"
    for role, x, size in zip(("query", "key", "value"), inputs, features, strict=True):
        if x.ndim != query.ndim or x.ndim not in (2, 3) or x.shape[-1] != size or not x.numel():
            raise ShapeError(
                f"expected a {role} of shape {order} or (length, features) with {size} features, "
                f"as the query, got {tuple(x.shape)} and a query of {tuple(query.shape)}; reshape "
                "it, or build the layer with embed_dim, kdim and vdim as they are",
                where=layer,
            )
        check_alike(layer, role, x, "weight", weight)
    one_batch = query.ndim == 2 or query.shape[batch_axis] == key.shape[batch_axis]
    if key.shape[:-1] != value.shape[:-1] or not one_batch:
        raise ShapeError(
            f"expected a key and a value of one length, and the query's batch, got "
            f"{tuple(query.shape)}, {tuple(key.shape)} and {tuple(value.shape)}; for inputs of "
            f"{order} set batch_first={batch_axis == 0}",
            where=layer,
        )


def to_heads(x: Tensor, heads: int, batch_axis: int) -> Tensor:
    """(N, L, H·d), or (L, N, H·d) for batch axis 1 -> (N, H, L, d), a view."""
    split = x.reshape(*x.shape[:2], heads, x.shape[-1] // heads)
    return split.transpose(1, 2) if batch_axis == 0 else split.permute(1, 2, 0, 3)


def from_heads(x: Tensor, batch_axis: int) -> Tensor:
    """The way back: (N, H, L, d) -> (N, L, H·d), or (L, N, H·d)."""
    return (x.transpose(1, 2) if batch_axis == 0 else x.permute(2, 0, 1, 3)).flatten(2)
