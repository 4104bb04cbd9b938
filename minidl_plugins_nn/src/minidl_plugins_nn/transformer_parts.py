"""What the layers of encoder and decoder have in common: the feed-forward part, and masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn import functional

from minidl_core import ArgumentError, BaseModule, Module
from minidl_plugins_nn.activations.elementwise import Elementwise
from minidl_plugins_nn.activations.self_gated import GELU
from minidl_plugins_nn.arguments import check_probability, check_sizes
from minidl_plugins_nn.dropout import Dropout
from minidl_plugins_nn.layer_norm import LayerNorm
from minidl_plugins_nn.linear import Linear
from minidl_plugins_nn.multihead_attention import MultiheadAttention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from minidl_plugins_nn.drawing import Source

__all__ = ["Sizes", "TransformerLayer"]


class Sizes(NamedTuple):
    """The arguments of a layer, in torch.nn's order."""

    d_model: int
    nhead: int
    dim_feedforward: int
    dropout: float
    activation: Any
    layer_norm_eps: float
    batch_first: bool
    norm_first: bool
    bias: bool


class TransformerLayer(BaseModule):
    """Sublayers F, each in a residual block: Y = norm(X + F(X)), or X + F(norm(X)).

    A subclass runs its sublayers by `residual`, and in reverse by `residual_back`.
    """

    traceable = True
    norm_first: bool

    def build(self, sizes: Sizes, attentions: Sequence[str], source: Source) -> None:
        """Make attention under the names of `attentions`, feed-forward part, norms and dropout."""
        where = type(self).__name__
        check_sizes(where, d_model=sizes.d_model, dim_feedforward=sizes.dim_feedforward)
        check_probability(where, "dropout", sizes.dropout)
        self.norm_first = sizes.norm_first
        generator, device, dtype = source
        for name in attentions:
            attention = MultiheadAttention(
                sizes.d_model,
                sizes.nhead,
                sizes.dropout,
                sizes.bias,
                batch_first=sizes.batch_first,
                device=device,
                dtype=dtype,
                generator=generator,
            )
            setattr(self, name, attention)
        self.linear1 = Linear(sizes.d_model, sizes.dim_feedforward, sizes.bias, source)
        self.dropout = Dropout(sizes.dropout, generator=generator)
        self.linear2 = Linear(sizes.dim_feedforward, sizes.d_model, sizes.bias, source)
        for number in range(1, len(attentions) + 2):
            norm = LayerNorm(
                sizes.d_model, sizes.layer_norm_eps, bias=sizes.bias, device=device, dtype=dtype
            )
            setattr(self, f"norm{number}", norm)
            setattr(self, f"dropout{number}", Dropout(sizes.dropout, generator=generator))
        self.activation = activation_of(where, sizes.activation)

    def residual(self, number: int, x: Tensor, sublayer: Any) -> Tensor:
        """Return X + F(norm(X)) or norm(X + F(X)), where F is `sublayer` and then dropout."""
        norm, drop = self._around(number)
        y: Tensor
        if self.norm_first:
            y = x + drop.forward(sublayer(norm.forward(x)))
        else:
            y = norm.forward(x + drop.forward(sublayer(x)))
        return y

    # Y = X + F(norm(X)):  dX = dY + norm'ᵀ F'ᵀ dY;  Y = norm(X + F(X)):  dX = dZ + F'ᵀ dZ with
    # dZ = norm'ᵀ dY
    def residual_back(self, number: int, dy: Tensor, sublayer_back: Any) -> Tensor:
        """Return dX; `sublayer_back` is the backward of F without dropout."""
        norm, drop = self._around(number)
        dx: Tensor
        if self.norm_first:
            dx = dy + norm.backward(sublayer_back(drop.backward(dy)))
        else:
            dz = norm.backward(dy)
            dx = dz + sublayer_back(drop.backward(dz))
        return dx

    def _around(self, number: int) -> tuple[LayerNorm, Dropout]:
        return getattr(self, f"norm{number}"), getattr(self, f"dropout{number}")

    def feed_forward(self, x: Tensor) -> Tensor:
        """W₂ dropout(φ(W₁ x + b₁)) + b₂."""
        h = self.activation.forward(self.linear1.forward(x))
        return self.linear2.forward(self.dropout.forward(h))

    def feed_forward_back(self, dy: Tensor) -> Tensor:
        dh = self.dropout.backward(self.linear2.backward(dy))
        return self.linear1.backward(self.activation.backward(dh))


class Rectifier(Elementwise):
    """f(x) = max(x, 0)."""

    def value(self, x: Tensor) -> Tensor:
        return x.relu()

    # f'(x) = 1 where x > 0, else 0
    def slope(self, x: Tensor) -> Tensor:
        return (x > 0).to(x.dtype)


def activation_of(where: str, activation: Any) -> Any:
    """Return the module that `activation` means: a name, torch's function, or a module itself.

    Raises:
        ArgumentError: it is neither.
    """
    if activation in ("relu", functional.relu, torch.relu):
        return Rectifier()
    if activation in ("gelu", functional.gelu):
        return GELU()
    if isinstance(activation, type) or not isinstance(activation, Module):
        raise ArgumentError(
            f'activation must be "relu", "gelu" or a module, got {activation!r}; a function has no '
            "derivative here, so write it as a module",
            where=where,
        )
    return activation
