"""The encoder of the transformer."""

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

__all__ = ["TransformerEncoder", "TransformerEncoderLayer"]


class TransformerEncoderLayer(TransformerLayer):
    """Self-attention, then W₂ φ(W₁ x + b₁) + b₂ at each place, each in a residual block.

    A block is norm(x + F(x)); with `norm_first`, x + F(norm(x)). Dropout acts on each F, on the
    weights of attention and behind φ. Names and first values of the parameters are torch.nn's.

    Shapes: src and the output (L, N, d_model), (N, L, d_model) with `batch_first`, or without N.

    Args:
        d_model, nhead: the size of src, and the number of heads.
        dim_feedforward: the size of the hidden layer.
        dropout: the probability to drop, in training.
        activation: φ: ``"relu"``, ``"gelu"``, or a module.
        layer_norm_eps: ε of the norms.
        norm_first: whether norms stand before the sublayers.
        bias: whether maps and norms have biases.
        generator: where first weights and dropout come from; torch's global one when left out.

    ``forward`` takes masks as `MultiheadAttention` does; `is_causal` needs no mask here. The
    gradient of src is what ``backward`` returns.

    Raises:
        ArgumentError: an argument out of range, or an activation without a derivative.
        ShapeError, DtypeError, DeviceError: an input or mask that does not fit.

    References: A. Vaswani et al., Attention is all you need, NeurIPS 2017; norms first: R. Xiong
    et al., On layer normalization in the transformer architecture, ICML 2020.
    """

    traceable = True
    self_attn: MultiheadAttention

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
        self.build(sizes, ["self_attn"], Source(generator, device, dtype))

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        def attend(x: Tensor) -> Tensor:
            y: Tensor = self.self_attn.forward(
                x,
                key_padding_mask=src_key_padding_mask,
                need_weights=False,
                attn_mask=src_mask,
                is_causal=is_causal,
            )[0]
            return y

        x = self.residual(1, src, attend)
        return self.residual(2, x, self.feed_forward)

    # the blocks in reverse
    def backward(self, grad_output: Tensor) -> Tensor:
        dx = self.residual_back(2, grad_output, self.feed_forward_back)
        return self.residual_back(1, dx, self.self_attn.backward)

    @classmethod
    def examples(cls) -> list[Example]:
        sizes = {"d_model": 4, "nhead": 2, "dim_feedforward": 3, "dropout": 0.0}
        more = {"activation": "gelu", "batch_first": True, "norm_first": True, "bias": False}
        return [
            Example(sizes, shapes=[(3, 2, 4)], batch_axis=1),
            Example({**sizes, **more}, shapes=[(2, 3, 4)]),
        ]


class TransformerEncoder(BaseModule):
    """Copies of one encoder layer, one behind another, and a norm at the end.

    The copies start with the same parameters, as in torch.nn, and are trained by themselves.

    Args:
        encoder_layer: the layer that is copied.
        num_layers: how many copies.
        norm: the norm behind the last one.
        enable_nested_tensor, mask_check: taken, and without effect; there are no nested tensors.

    ``forward(src, mask, src_key_padding_mask, is_causal)`` passes the masks to every layer.

    Raises:
        ArgumentError: `num_layers` is below 1, or `encoder_layer` or `norm` is no module.
    """

    traceable = True

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        check_sizes("TransformerEncoder", num_layers=num_layers)
        check_modules("TransformerEncoder", encoder_layer=encoder_layer)
        if norm is not None:
            check_modules("TransformerEncoder", norm=norm)
        self.layers = copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        x = src
        for number, layer in enumerate(self.layers):
            masks = (mask, src_key_padding_mask, bool(is_causal))
            x = run(self, f"layers.{number}", layer, x, *masks)
        return x if self.norm is None else run(self, "norm", self.norm, x)

    def backward(self, grad_output: Tensor) -> Tensor:
        dx = grad_output
        if self.norm is not None:
            dx = run_back(self, "norm", self.norm, dx)
        for number in range(self.num_layers - 1, -1, -1):
            dx = run_back(self, f"layers.{number}", self.layers[number], dx)
        return dx

    @classmethod
    def examples(cls) -> list[Example]:
        def make(generator: torch.Generator, dtype: torch.dtype) -> TransformerEncoder:
            layer = TransformerEncoderLayer(4, 2, 3, 0.0, dtype=dtype, generator=generator)
            return cls(layer, 2)

        return [Example(shapes=[(3, 2, 4)], batch_axis=1, make=make)]
