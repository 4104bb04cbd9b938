"""Sums, means and maxima of embeddings, over bags of whole numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    ShapeError,
    check_alike,
    check_grad_output,
)
from minidl_plugins_nn.arguments import check_sizes
from minidl_plugins_nn.drawing import Source
from minidl_plugins_nn.embedding import (
    check_indices,
    counts,
    look_up,
    refuse_renorm_and_sparse,
    row_of,
    table,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["EmbeddingBag"]


class EmbeddingBag(BaseModule):
    """y_b = Σ sₙ W[xₙ] over the n in bag b; or their mean; or their maximum, element by element.

    Shapes: X (B, N), whose rows are the bags; or X (M,) with offsets (B,), where each bag begins,
    the first at 0. W (V, D); s, the weights of a sum, as X; Y (B, D). An empty bag gives zeros.

    W is drawn from N(0, 1), as in torch.nn.EmbeddingBag.

    Args:
        num_embeddings, embedding_dim: V and D.
        max_norm, norm_type, sparse: as for `Embedding`, which refuses them.
        scale_grad_by_freq: divide a row's gradient by how often the batch names the row.
        mode: ``"mean"``, ``"sum"`` or ``"max"``; the first of equal maxima gets the gradient.
        include_last_offset: whether a last offset says where the last bag ends.
        padding_idx: the row that counts for nothing and is not trained.
        generator: where W comes from; torch's global generator when left out.

    ``forward(x, offsets, per_sample_weights)``; ``backward`` returns None for whole numbers, and
    as third the gradient of s, if it was given.

    Raises:
        ArgumentError: an argument out of range, or two that exclude each other; a row number
            outside of the table.
        ShapeError, DtypeError, DeviceError: inputs that do not fit.
    """

    traceable = True

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: Literal["mean", "sum", "max"] = "mean",
        sparse: bool = False,
        *,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        where = "EmbeddingBag"
        check_sizes(where, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        refuse_renorm_and_sparse(where, max_norm, sparse)
        if mode not in ("mean", "sum", "max"):
            raise ArgumentError(f'mode must be "mean", "sum" or "max", got {mode!r}', where=where)
        if scale_grad_by_freq and mode == "max":
            raise ArgumentError('scale_grad_by_freq has no meaning with mode="max"', where=where)
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.scale_grad_by_freq, self.mode = scale_grad_by_freq, mode
        self.include_last_offset = include_last_offset
        self.padding_idx = row_of(where, padding_idx, num_embeddings)
        source = Source(generator, device, dtype)
        self.weight = table(source, num_embeddings, embedding_dim, self.padding_idx)

    def forward(
        self, x: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None
    ) -> Tensor:
        w = self.weight.value
        check_indices(self, x, w)
        rows, bags = x.reshape(-1), self._bags(x, offsets)
        size = self._size(x, offsets)
        values = look_up(self, w, rows)  # (M, D)
        s = self._factors(rows, per_sample_weights, x)  # (M,)
        try:
            sizes = _sums(s, bags, size)
        except (IndexError, RuntimeError):  # a bag before the first, or behind the last
            raise ArgumentError(
                "expected offsets that begin at 0, and with include_last_offset end at the number "
                f"of rows, {len(rows)}",
                where=self,
            ) from None
        if self.mode == "max":
            y, kept = _largest(values, bags, size, s)
        else:
            kept = s / sizes.clamp_min(1)[bags] if self.mode == "mean" else s
            y = _sums(values * kept[:, None], bags, size)
        self.push((x, offsets, per_sample_weights, rows, bags, values, kept, y.shape))
        return y

    # y_b = Σ sₙ W[xₙ]:  dWᵥ = Σ sₙ dy_b over xₙ = v,  dsₙ = W[xₙ] · dy_b, with b the bag of n.
    # A mean has sₙ = 1 / |bag|; a maximum gives dy_b to the row it comes from
    def backward(self, grad_output: Tensor) -> Any:
        _, offsets, given, rows, bags, values, kept, shape = self.pop()
        check_grad_output(self, grad_output, shape)
        if self.mode == "max":
            winners = torch.cat([rows, rows.new_zeros(1)])[kept]  # (B, D); of an empty bag: none
            dy = grad_output.masked_fill(kept == len(rows), 0)
            self.weight.grad.scatter_add_(0, winners, dy)
        else:
            dvalues = grad_output[bags]  # (M, D)
            scale = kept
            if self.scale_grad_by_freq:
                scale = scale / counts(rows, self.num_embeddings, kept)[rows]
            self.weight.grad.index_add_(0, rows, dvalues * scale[:, None])
            if given is not None:
                ds = (values * dvalues).sum(-1) * self._trained(rows, kept)
                return None, None, ds.reshape(given.shape)
        return None if offsets is None else (None, None)

    def _bags(self, x: Tensor, offsets: Tensor | None) -> Tensor:
        """The bag of each element of `x`, flattened."""
        places = torch.arange(x.numel(), device=x.device)
        if x.ndim == 2 and offsets is None:
            return places // max(x.shape[1], 1)
        if x.ndim != 1 or offsets is None or offsets.ndim != 1 or not len(offsets):
            got = "no offsets" if offsets is None else f"offsets {tuple(offsets.shape)}"
            raise ShapeError(
                "expected an input of shape (bags, size) without offsets, or (numbers,) with "
                f"offsets of shape (bags,), got {tuple(x.shape)} and {got}",
                where=self,
            )
        check_indices(self, offsets, x, "offsets")
        return torch.searchsorted(offsets.contiguous(), places.to(offsets.dtype), right=True) - 1

    def _size(self, x: Tensor, offsets: Tensor | None) -> int:
        return x.shape[0] if offsets is None else len(offsets) - self.include_last_offset

    def _factors(self, rows: Tensor, weights: Tensor | None, x: Tensor) -> Tensor:
        """s: the given weights or ones, and 0 for padding."""
        w = self.weight.value
        if weights is None:
            return self._trained(rows, w)
        if self.mode != "sum":
            raise ArgumentError(
                f'per_sample_weights are for mode="sum", got mode="{self.mode}"', where=self
            )
        if weights.shape != x.shape:
            raise ShapeError(
                f"expected per_sample_weights of the input's shape {tuple(x.shape)}, got "
                f"{tuple(weights.shape)}",
                where=self,
            )
        check_alike(self, "per_sample_weights", weights, "weight", w)
        return weights.reshape(-1) * self._trained(rows, w)

    def _trained(self, rows: Tensor, like: Tensor) -> Tensor:
        """1 for each of `rows`, 0 for padding."""
        ones = torch.ones(rows.shape, dtype=like.dtype, device=like.device)
        return ones if self.padding_idx is None else ones * (rows != self.padding_idx)

    def summary(self) -> str:
        sizes = f"rows: {self.num_embeddings}, size: {self.embedding_dim}"
        return f"Embedding Bag, {sizes}, mode: {self.mode}"

    def __repr__(self) -> str:
        return f"EmbeddingBag({self.num_embeddings} → {self.embedding_dim}, {self.mode})"

    @classmethod
    def examples(cls) -> list[Example]:
        def rows(generator: torch.Generator, shape: tuple[int, ...]) -> tuple[Tensor]:
            return (torch.randint(0, 5, shape, generator=generator),)

        sizes = {"num_embeddings": 5, "embedding_dim": 3}
        modes = ("mean", "sum", "max")
        return [Example({**sizes, "mode": mode}, shapes=[(4, 2)], draw=rows) for mode in modes]


def _sums(values: Tensor, bags: Tensor, size: int) -> Tensor:
    """The sum of `values` in each bag: (M, …) -> (B, …)."""
    shape = (size, *values.shape[1:])
    zeros = torch.zeros(shape, dtype=values.dtype, device=values.device)
    return zeros.index_add(0, bags, values)


def _largest(values: Tensor, bags: Tensor, size: int, s: Tensor) -> tuple[Tensor, Tensor]:
    """The maximum in each bag, and the place of its first, which is M in an empty bag."""
    each = bags[:, None].expand(values.shape)
    values = values.masked_fill(s[:, None] == 0, -math.inf)
    shape, device = (size, values.shape[1]), values.device
    lowest = torch.full(shape, -math.inf, dtype=values.dtype, device=device)
    y = lowest.scatter_reduce(0, each, values, "amax")
    places = torch.arange(len(values), device=device)[:, None].expand(values.shape)
    there = (values == y[bags]) & (s[:, None] != 0)
    places = places.masked_fill(~there, len(values))
    last = torch.full(shape, len(values), dtype=places.dtype, device=device)
    first = last.scatter_reduce(0, each, places, "amin")
    return y.masked_fill(first == len(values), 0), first
