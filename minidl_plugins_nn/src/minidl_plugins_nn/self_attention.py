"""Attention of a sequence to itself, with one input and one output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import Example
from minidl_plugins_nn.multihead_attention import MultiheadAttention

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SelfAttention"]


class SelfAttention(MultiheadAttention):
    """`MultiheadAttention` of X with itself: Y = attention(X, X, X), in a chain of layers.

    Shapes: X and Y (N, L, E), or (L, E); the batch comes first unless ``batch_first=False``.

    Args:
        embed_dim, num_heads: the size of X, and the number of heads.
        causal: whether a position sees only itself and what came before it.
        options: the other arguments of `MultiheadAttention`, without kdim and vdim.

    Raises:
        ArgumentError, ShapeError, DtypeError, DeviceError: as `MultiheadAttention` does.
    """

    traceable = True

    def __init__(
        self, embed_dim: int, num_heads: int, causal: bool = False, **options: Any
    ) -> None:
        super().__init__(embed_dim, num_heads, **{"batch_first": True, **options})
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
