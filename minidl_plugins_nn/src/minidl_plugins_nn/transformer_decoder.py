"""The decoder of the transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import BaseModule, Example, Module
from minidl_plugins_nn.arguments import check_sizes
from minidl_plugins_nn.drawing import Source
from minidl_plugins_nn.running_parts import check_modules, copies, run, run_back
from minidl_plugins_nn.transformer_parts import Sizes, TransformerLayer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from minidl_plugins_nn.multihead_attention import MultiheadAttention

__all__ = ["TransformerDecoder", "TransformerDecoderLayer"]


class TransformerDecoderLayer(TransformerLayer):
    """Self-attention of tgt, attention to memory, and the feed-forward part of an encoder layer.

    Each stands in a residual block as in `TransformerEncoderLayer`, which documents arguments,
    dropout, errors and sources.

    Shapes: tgt and the output (L, N, d_model), memory (S, N, d_model); the batch comes first
    with `batch_first`, and may be missing.

    ``forward`` takes masks as `MultiheadAttention` does, for each of the two attentions.
    ``backward`` returns the gradients of tgt and memory.
    """

    traceable = True
    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Module | Any = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        widths = (d_model, nhead, dim_feedforward, dropout, activation)
        sizes = Sizes(*widths, layer_norm_eps, batch_first, norm_first, bias)
        self.build(sizes, ["self_attn", "multihead_attn"], Source(generator, device, dtype))

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        def attend(x: Tensor) -> Any:
            padding = tgt_key_padding_mask
            return self.self_attn.forward(
                x, None, None, padding, False, tgt_mask, is_causal=tgt_is_causal
            )[0]

        def attend_to_memory(x: Tensor) -> Any:
            padding = memory_key_padding_mask
            return self.multihead_attn.forward(
                x, memory, memory, padding, False, memory_mask, is_causal=memory_is_causal
            )[0]

        x = self.residual(1, tgt, attend)
        x = self.residual(2, x, attend_to_memory)
        return self.residual(3, x, self.feed_forward)

    # the blocks in reverse; memory is both key and value, so its gradients add up
    def backward(self, grad_output: Tensor) -> tuple[Tensor, Tensor]:
        dmemory: list[Tensor] = []

        def attend_to_memory_back(dy: Tensor) -> Tensor:
            dx, dkey, dvalue = self.multihead_attn.backward(dy)
            dmemory.append(dkey + dvalue)
            return dx  # type: ignore[no-any-return]

        dx = self.residual_back(3, grad_output, self.feed_forward_back)
        dx = self.residual_back(2, dx, attend_to_memory_back)
        return self.residual_back(1, dx, self.self_attn.backward), dmemory[0]

    @classmethod
    def examples(cls) -> list[Example]:
        sizes = {"d_model": 4, "nhead": 2, "dim_feedforward": 3, "dropout": 0.0}
        more = {"activation": "gelu", "batch_first": True, "norm_first": True, "bias": False}
        return [
            Example(sizes, shapes=[(3, 2, 4), (5, 2, 4)], batch_axis=1),
            Example({**sizes, **more}, shapes=[(2, 3, 4), (2, 5, 4)]),
        ]


class TransformerDecoder(BaseModule):
    """Copies of one decoder layer, one behind another, and a norm at the end.

    All layers read the same memory. The copies start with the same parameters, as in torch.nn,
    and are trained by themselves. ``backward`` returns the gradients of tgt and memory.

    Args:
        decoder_layer: the layer that is copied.
        num_layers: how many copies.
        norm: the norm behind the last one.

    ``forward`` passes the masks to every layer.

    Raises:
        ArgumentError: `num_layers` is below 1, or `decoder_layer` or `norm` is no module.
    """

    traceable = True

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        check_sizes("TransformerDecoder", num_layers=num_layers)
        check_modules("TransformerDecoder", decoder_layer=decoder_layer)
        if norm is not None:
            check_modules("TransformerDecoder", norm=norm)
        self.layers = copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        causal = (bool(tgt_is_causal), memory_is_causal)
        x = tgt
        for number, layer in enumerate(self.layers):
            x = run(self, f"layers.{number}", layer, x, memory, *masks, *causal)
        return x if self.norm is None else run(self, "norm", self.norm, x)

    # memory reaches the output through every layer:  dmemory = Σ over the layers
    def backward(self, grad_output: Tensor) -> tuple[Tensor, Tensor]:
        dx, total = grad_output, None
        if self.norm is not None:
            dx = run_back(self, "norm", self.norm, dx)
        for number in range(self.num_layers - 1, -1, -1):
            dx, dmemory = run_back(self, f"layers.{number}", self.layers[number], dx)
            total = dmemory if total is None else total + dmemory
        return dx, total  # type: ignore[return-value]

    @classmethod
    def examples(cls) -> list[Example]:
        def make(generator: torch.Generator, dtype: torch.dtype) -> TransformerDecoder:
            layer = TransformerDecoderLayer(4, 2, 3, 0.0, dtype=dtype, generator=generator)
            return cls(layer, 2)

        return [Example(shapes=[(3, 2, 4), (5, 2, 4)], batch_axis=1, make=make)]
