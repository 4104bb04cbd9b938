"""Attention with several heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import ArgumentError, Example, check_grad_output, check_no_graph
from minidl_plugins_nn.arguments import check_probability, check_sizes
from minidl_plugins_nn.attention import attend, attend_backward, attend_fused, causal_mask, fuses
from minidl_plugins_nn.attention_inputs import check_inputs, from_heads, to_heads
from minidl_plugins_nn.attention_masks import merged_mask
from minidl_plugins_nn.attention_projections import InProjection
from minidl_plugins_nn.drawing import Source
from minidl_plugins_nn.linear import Linear

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_nn.attention import Attended

__all__ = ["MultiheadAttention"]


class MultiheadAttention(InProjection):
    """Y = concat(O₁, …, O_H) W_oᵀ + b_o with Oₕ = softmax(Qₕ Kₕᵀ / √d + M) Vₕ.

    Q, K and V are affine maps of the inputs; head h has features h·d to (h + 1)·d of each.

    Shapes, with E = H·d: query (L, N, E), key (S, N, kdim), value (S, N, vdim), Y (L, N, E); the
    batch N comes first with `batch_first`, and may be missing. Names, layouts and first values
    of the parameters are those of torch.nn.MultiheadAttention.

    ``forward`` returns (Y, weights), the weights (N, L, S) a mean over heads, or (N, H, L, S)
    without `average_attn_weights`; None without `need_weights`, which is faster. ``backward``
    takes the gradient of both (None for weights not used), and returns those of query, key and
    value. Left out, key and value are the query: ``backward`` then returns one gradient.

    A mask of bool hides where it is True, one of numbers is added to the scores; `is_causal`
    hides what comes after each query, besides the masks. (In torch it is a hint on `attn_mask`,
    which must be given.) Masks get no gradient. A query that may attend to nothing gets zeros.

    Args:
        embed_dim, num_heads: E and H; H divides E.
        dropout: the probability to drop a weight, in training.
        bias: whether Q, K, V and Y have biases.
        add_bias_kv: append a learned key and value.
        add_zero_attn: append a key and a value of zeros.
        kdim, vdim: the sizes of keys and values; E when left out.
        generator: where first weights and dropout come from; torch's global one when left out.

    Raises:
        ArgumentError: E is no multiple of H, or an argument is out of range.
        ShapeError, DtypeError, DeviceError: inputs or masks that do not fit.

    On CPUs torch's fused kernel is used where no weights are needed and nothing is dropped.

    Reference: A. Vaswani et al., Attention is all you need, NeurIPS 2017.
    """

    traceable = True

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        where = type(self).__name__
        kdim, vdim = (embed_dim if size is None else size for size in (kdim, vdim))
        check_sizes(where, embed_dim=embed_dim, num_heads=num_heads, kdim=kdim, vdim=vdim)
        if embed_dim % num_heads:
            raise ArgumentError(
                f"embed_dim must be a multiple of num_heads, got {embed_dim} and {num_heads}",
                where=where,
            )
        self.embed_dim, self.num_heads, self.kdim, self.vdim = embed_dim, num_heads, kdim, vdim
        self.dropout = check_probability(where, "dropout", dropout)
        self.add_zero_attn = add_zero_attn
        self.batch_first = batch_first
        self.generator = generator
        source = Source(generator, device, dtype)
        self.draw(source, bias, add_bias_kv)
        self.out_proj = Linear(embed_dim, embed_dim, bias, source)
        if self.out_proj.bias is not None:
            self.out_proj.bias.value.zero_()

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> Any:
        check_no_graph(self, "query", query)
        packed = key is None and value is None
        key = query if key is None else key
        value = key if value is None else value
        inputs, batched = (query, key, value), query.ndim == 3
        axis = 1 if batched and not self.batch_first else 0
        sizes = (self.embed_dim, self.kdim, self.vdim)
        check_inputs(self, inputs, sizes, axis, self.out_proj.weight.value)
        if not batched:
            inputs = (query[None], key[None], value[None])
        q, k, v = (to_heads(x, self.num_heads, axis) for x in self.project(inputs, packed))
        scores = (q.shape[0], q.shape[2], k.shape[2])
        mask = merged_mask(
            self, attn_mask, key_padding_mask, self.num_heads, batched, scores, query
        )
        if is_causal and (mask is not None or self.extra_keys):
            causal = causal_mask(q.shape[2], k.shape[2], q)[None, None]
            mask, is_causal = causal if mask is None else mask + causal, False
        k, v, mask = self.append_keys(k, v, mask)
        kept = self._draw_dropout(q, k)
        if need_weights or kept is not None or not fuses(q):
            attended = attend(q, k, v, mask, is_causal, kept)
        else:
            attended = attend_fused(q, k, v, mask, is_causal)
        y = self.out_proj.forward(from_heads(attended.out, axis))
        average = need_weights and average_attn_weights
        weights = self._weights(attended, average) if need_weights else None
        self.push((*inputs, attn_mask, packed, batched, average, axis, attended))
        if batched:
            return y, weights
        return y[0], None if weights is None else weights[0]

    # backward of each part in reverse: the output projection, attention, the input projections
    def backward(self, grad_output: Tensor, grad_weights: Tensor | None = None) -> Any:
        query, key, value, _, packed, batched, average, axis, attended = self.pop()
        check_grad_output(self, grad_output, query.shape if batched else query.shape[1:])
        if not batched:
            grad_output = grad_output[None]
            grad_weights = None if grad_weights is None else grad_weights[None]
        if grad_weights is not None and average:  # the mean over H heads
            grad_weights = grad_weights[:, None] / self.num_heads
        dout = to_heads(self.out_proj.backward(grad_output), self.num_heads, axis)
        dq, dk, dv = attend_backward(attended, dout, grad_weights)
        dk, dv = self.take_back_keys(dk, dv, key.shape[1 - axis])
        grads = tuple(from_heads(d, axis) for d in (dq, dk, dv))
        given = self.project_backward(grads, (query, key, value), packed)
        if not batched:
            given = tuple(d[0] for d in given)
        return given if len(given) > 1 else given[0]

    def _draw_dropout(self, q: Tensor, k: Tensor) -> Tensor | None:
        """Z: 1 / (1 − p) where a weight is kept, else 0.  (N, H, L, S)"""
        if not self.training or not self.dropout:
            return None
        shape = (*q.shape[:3], k.shape[2])
        draw = torch.rand(shape, generator=self.generator, dtype=q.dtype, device=q.device)
        return (draw >= self.dropout).to(q.dtype) / (1 - self.dropout)

    def _weights(self, attended: Attended, average: bool) -> Tensor:
        weights: Any = attended.weights
        if attended.kept is not None:
            weights = weights * attended.kept
        result: Tensor = weights.mean(1) if average else weights
        return result

    def summary(self) -> str:
        return f"Multihead Attention, size: {self.embed_dim}, heads: {self.num_heads}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.embed_dim}, heads: {self.num_heads})"

    def is_container(self) -> bool:
        return False

    @classmethod
    def examples(cls) -> list[Example]:
        sizes = {"embed_dim": 4, "num_heads": 2}
        more = {"add_bias_kv": True, "add_zero_attn": True, "kdim": 3, "vdim": 5, "bias": False}
        return [
            Example(sizes, shapes=[(3, 2, 4)] * 3, batch_axis=1),
            Example({**sizes, "batch_first": True}, shapes=[(2, 3, 4), (2, 5, 4), (2, 5, 4)]),
            Example({**sizes, **more}, [(3, 2, 4), (5, 2, 3), (5, 2, 5)], batch_axis=1),
        ]
