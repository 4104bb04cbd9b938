"""The transformer: encoder and decoder."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import BaseModule, Example, Module, ShapeError, check_no_graph
from minidl_plugins_nn.layer_norm import LayerNorm
from minidl_plugins_nn.running_parts import check_modules, run, run_back
from minidl_plugins_nn.transformer_decoder import TransformerDecoder, TransformerDecoderLayer
from minidl_plugins_nn.transformer_encoder import TransformerEncoder, TransformerEncoderLayer

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Transformer"]


class Transformer(BaseModule):
    """The decoder's output for tgt, with the encoder's output for src as its memory.

    All matrices are drawn from U(−a, a) with a = √(6 / (in + out)), as in torch.nn.Transformer.

    Shapes: src (S, N, d_model), tgt and the output (T, N, d_model); the batch comes first with
    `batch_first`, and may be missing.

    Args:
        num_encoder_layers, num_decoder_layers: how many layers each has, with a norm behind.
        custom_encoder, custom_decoder: modules in place of `TransformerEncoder` and
            `TransformerDecoder`, called as these are.

    The others are those of `TransformerEncoderLayer`. ``forward`` takes the masks of both parts;
    ``backward`` returns the gradients of src and tgt.

    Raises:
        ArgumentError: an argument out of range.
        ShapeError, DtypeError, DeviceError: an input or mask that does not fit.

    Reference: A. Vaswani et al., Attention is all you need, NeurIPS 2017.
    """

    traceable = True

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Module | Any = "relu",
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
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
        ways: Any = (layer_norm_eps, batch_first, norm_first, bias, device, dtype)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype)

        encoder: Any = custom_encoder
        decoder: Any = custom_decoder
        if encoder is None:
            layer: Any = TransformerEncoderLayer(*widths, *ways, generator=generator)
            encoder = TransformerEncoder(layer, num_encoder_layers, norm())
        if decoder is None:
            layer = TransformerDecoderLayer(*widths, *ways, generator=generator)
            decoder = TransformerDecoder(layer, num_decoder_layers, norm())
        check_modules("Transformer", custom_encoder=encoder, custom_decoder=decoder)
        self.encoder, self.decoder = encoder, decoder
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        for parameter in self.param():
            if parameter.value.ndim > 1:
                bound = math.sqrt(6 / sum(parameter.value.shape))
                parameter.value.uniform_(-bound, bound, generator=generator)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        self._check(src, tgt)
        source = (src, src_mask, src_key_padding_mask, src_is_causal)
        memory = run(self, "encoder", self.encoder, *source)
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        causal = (tgt_is_causal, memory_is_causal)
        y: Tensor = run(self, "decoder", self.decoder, tgt, memory, *masks, *causal)
        return y

    # the decoder first; its gradient of the memory goes on through the encoder
    def backward(self, grad_output: Tensor) -> tuple[Tensor, Tensor]:
        dtgt, dmemory = run_back(self, "decoder", self.decoder, grad_output)
        return run_back(self, "encoder", self.encoder, dmemory), dtgt

    @staticmethod
    def generate_square_subsequent_mask(
        sz: int, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> Tensor:
        """Return the causal mask (sz, sz): −∞ above the diagonal, 0 elsewhere."""
        return torch.full((sz, sz), -math.inf, device=device, dtype=dtype).triu(1)

    def _check(self, src: Tensor, tgt: Tensor) -> None:
        check_no_graph(self, "src", src)
        check_no_graph(self, "tgt", tgt)
        batch = 0 if self.batch_first else 1
        one_batch = src.ndim != 3 or src.ndim != tgt.ndim or src.shape[batch] == tgt.shape[batch]
        sizes = {src.shape[-1:], tgt.shape[-1:]}
        if src.ndim != tgt.ndim or not one_batch or sizes != {(self.d_model,)}:
            raise ShapeError(
                f"expected src and tgt of {self.d_model} features and one batch, got "
                f"{tuple(src.shape)} and {tuple(tgt.shape)}; batch_first is {self.batch_first}",
                where=self,
            )

    @classmethod
    def examples(cls) -> list[Example]:
        sizes = {"d_model": 4, "nhead": 2, "num_encoder_layers": 1, "num_decoder_layers": 2}
        more = {"dim_feedforward": 3, "dropout": 0.0, "batch_first": True}
        return [Example({**sizes, **more}, shapes=[(2, 5, 4), (2, 3, 4)])]
