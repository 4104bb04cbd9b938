"""Attention of a sequence to itself, with one input and one output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import Example
from minidl_plugins_nn.multihead_attention import MultiheadAttention

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["SelfAttention"]


class SelfAttention(MultiheadAttention):
    """`MultiheadAttention` of X with itself: Y = attention(X, X, X), in a chain of layers.

    Shapes: X and Y (N, L, E), or (L, E) without a batch.

    Args:
        causal: whether a position sees only itself and what came before it.
        batch_first: whether the batch comes first; here it does by default.
        embed_dim, num_heads, dropout, bias, generator: as for `MultiheadAttention`.

    Raises:
        ArgumentError, ShapeError, DtypeError, DeviceError: as `MultiheadAttention` does.
    """

    traceable = True

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        causal: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
        batch_first: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(
            embed_dim,
            num_heads,
            dropout,
            bias,
            batch_first=batch_first,
            device=device,
            dtype=dtype,
            generator=generator,
        )
        self.causal = causal

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        y: Tensor = super().forward(x, need_weights=False, is_causal=self.causal)[0]
        return y

    def backward(self, grad_output: Tensor) -> Tensor:  # type: ignore[override]
        grad: Tensor = super().backward(grad_output)
        return grad

    def summary(self) -> str:
        sizes = f"size: {self.embed_dim}, heads: {self.num_heads}"
        return f"Self-Attention, {sizes}, causal: {self.causal}"

    @classmethod
    def examples(cls) -> list[Example]:
        sizes = {"embed_dim": 4, "num_heads": 2}
        return [
            Example(sizes, shapes=[(2, 3, 4)]),
            Example({**sizes, "causal": True, "bias": False}, shapes=[(2, 3, 4)]),
        ]
