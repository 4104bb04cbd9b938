"""Scaled dot-product attention and its derivative, plain and by torch's fused kernel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Attended", "attend", "attend_backward", "attend_fused", "causal_mask", "fuses"]

ATEN = torch.ops.aten


class Attended(NamedTuple):
    """What the derivative needs. Of the fused kernel: `weights` is None and `lse` is log Σ exp."""

    q: Tensor
    k: Tensor
    v: Tensor
    out: Tensor
    weights: Tensor | None
    kept: Tensor | None
    lse: Tensor | None
    mask: Tensor | None
    causal: bool


def attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, kept: Tensor | None
) -> Attended:
    """O = (Z ∘ P) V with P = softmax(Q Kᵀ / √d + M), row by row.

    Shapes: Q (N, H, L, d), K and V (N, H, S, d), P and Z (N, H, L, S), M broadcast to it. Row i
    of a causal P sees columns 0 to i. A row whose M is all −∞ attends to nothing and gives zeros.

    Args:
        mask: M, added to the scores; None for zeros.
        causal: whether M has −∞ above its diagonal besides.
        kept: Z, the factors of dropout; None for ones.
    """
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if causal:
        scores = scores + causal_mask(q.shape[-2], k.shape[-2], q)
    if mask is not None:
        scores = scores + mask
    weights = ATEN._safe_softmax(scores, -1)
    out = (weights if kept is None else weights * kept) @ v
    return Attended(q, k, v, out, weights, kept, None, None, False)


# With R = Z ∘ P:  dV = Rᵀ dO,  dP = Z ∘ (dO Vᵀ + dR),  dS = P ∘ (dP − Σⱼ Pⱼ dPⱼ),
# dQ = dS K / √d,  dK = dSᵀ Q / √d
def attend_backward(
    a: Attended, dout: Tensor, dweights: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return dQ, dK and dV; `dweights` is dR, what follows from a use of the weights Z ∘ P."""
    if a.weights is None:
        return _fused_backward(a, dout)
    weights = a.weights if a.kept is None else a.weights * a.kept
    dv = weights.mT @ dout
    dp = dout @ a.v.mT
    if dweights is not None:
        dp = dp + dweights
    if a.kept is not None:
        dp = dp * a.kept
    ds = torch._softmax_backward_data(dp, a.weights, -1, dp.dtype) / math.sqrt(a.q.shape[-1])
    return ds @ a.k, ds.mT @ a.q, dv


def causal_mask(length: int, source: int, like: Tensor) -> Tensor:
    """(L, S): −∞ above the diagonal, 0 elsewhere."""
    size = (length, source)
    return torch.full(size, -math.inf, dtype=like.dtype, device=like.device).triu(1)


def fuses(q: Tensor) -> bool:
    """Whether the fused kernel takes these tensors; it has no rule for vmap, which would loop."""
    return q.device.type == "cpu" and not torch._C._functorch.is_batchedtensor(q)


def attend_fused(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool) -> Attended:
    """The same as `attend` without dropout, block by block: P is never stored (FlashAttention)."""
    kernel = ATEN._scaled_dot_product_flash_attention_for_cpu
    out, lse = kernel(q, k, v, 0.0, causal, attn_mask=mask)
    return Attended(q, k, v, out, None, None, lse, mask, causal)


def _fused_backward(a: Attended, dout: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    kernel = ATEN._scaled_dot_product_flash_attention_for_cpu_backward
    dq, dk, dv = kernel(dout, a.q, a.k, a.v, a.out, a.lse, 0.0, a.causal, attn_mask=a.mask)
    return dq, dk, dv
