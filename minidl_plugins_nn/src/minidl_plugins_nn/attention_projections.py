"""The affine maps of attention's inputs to queries, keys and values, and the keys it appends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from minidl_core import BaseModule, Parameter
from minidl_plugins_nn.linear import add_affine_grads, affine

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_nn.drawing import Source

__all__ = ["InProjection"]


class InProjection(BaseModule):
    """What `MultiheadAttention` does before and after attention itself.

    Attributes:
        in_proj_weight: W_q, W_k and W_v in one (3E, E), where all inputs have the size E; else
            None, and q_proj_weight (E, E), k_proj_weight (E, kdim), v_proj_weight (E, vdim).
        in_proj_bias: their biases in one (3E,), or None.
        bias_k, bias_v: the appended key and value (1, 1, E), or None.
    """

    embed_dim: int
    num_heads: int
    kdim: int
    vdim: int
    add_zero_attn: bool
    in_proj_weight: Parameter | None = None
    q_proj_weight: Parameter | None = None
    k_proj_weight: Parameter | None = None
    v_proj_weight: Parameter | None = None
    in_proj_bias: Parameter | None = None
    bias_k: Parameter | None = None
    bias_v: Parameter | None = None

    def draw(self, source: Source, bias: bool, add_bias_kv: bool) -> None:
        """Make the parameters: Glorot's laws for weights and appended keys, biases of zero."""
        e = self.embed_dim
        if self.kdim == self.vdim == e:
            self.in_proj_weight = source.glorot(3 * e, e)
        else:
            self.q_proj_weight = source.glorot(e, e)
            self.k_proj_weight = source.glorot(e, self.kdim)
            self.v_proj_weight = source.glorot(e, self.vdim)
        if bias:
            self.in_proj_bias = source.zeros(3 * e)
        if add_bias_kv:
            sigma = math.sqrt(2 / (e + e))  # as torch takes the fans of (1, 1, E)
            self.bias_k = source.normal(sigma, 1, 1, e)
            self.bias_v = source.normal(sigma, 1, 1, e)

    def project(self, inputs: tuple[Tensor, Tensor, Tensor], packed: bool) -> tuple[Tensor, ...]:
        """Return Q, K and V: xᵢ Wᵢᵀ + bᵢ; in one product if all inputs are the same."""
        bias = None if self.in_proj_bias is None else self.in_proj_bias.value
        if packed and self.in_proj_weight is not None:
            return affine(inputs[0], self.in_proj_weight.value, bias).chunk(3, -1)
        biases = (None, None, None) if bias is None else bias.chunk(3)
        maps = zip(inputs, self._weight_values(), biases, strict=True)
        return tuple(affine(x, w, b) for x, w, b in maps)

    # Q = X W_qᵀ + b_q:  dW_q = dQᵀ X,  db_q = Σ dQ,  dX = dQ W_q; the same for K and V
    def project_backward(
        self, grads: tuple[Tensor, ...], inputs: tuple[Tensor, ...], packed: bool
    ) -> tuple[Tensor, ...]:
        """Return the gradient of each input, or of the one input if all are the same."""
        if packed and self.in_proj_weight is not None:
            dqkv = torch.cat(grads, -1)  # (N, L, 3E)
            add_affine_grads(self.in_proj_weight, self.in_proj_bias, dqkv, inputs[0])
            return (dqkv @ self.in_proj_weight.value,)
        rows = [d.reshape(-1, self.embed_dim) for d in grads]
        dw = [d.mT @ x.reshape(-1, x.shape[-1]) for d, x in zip(rows, inputs, strict=True)]
        if self.in_proj_weight is not None:
            self.in_proj_weight.grad += torch.cat(dw)
        else:
            for parameter, grad in zip(self._separate(), dw, strict=True):
                parameter.grad += grad
        if self.in_proj_bias is not None:
            self.in_proj_bias.grad += torch.cat([d.sum(0) for d in rows])
        dx = tuple(d @ w for d, w in zip(grads, self._weight_values(), strict=True))
        return (dx[0] + dx[1] + dx[2],) if packed else dx

    @property
    def extra_keys(self) -> int:
        """How many keys are appended."""
        return (self.bias_k is not None) + self.add_zero_attn

    def append_keys(
        self, k: Tensor, v: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Append the learned key and value and those of zeros, which no mask hides."""
        if self.bias_k is not None and self.bias_v is not None:
            k = torch.cat([k, self._one_for_all(self.bias_k, k)], 2)
            v = torch.cat([v, self._one_for_all(self.bias_v, v)], 2)
        if self.add_zero_attn:
            k = torch.nn.functional.pad(k, (0, 0, 0, 1))
            v = torch.nn.functional.pad(v, (0, 0, 0, 1))
        if mask is not None and self.extra_keys:
            mask = torch.nn.functional.pad(mask, (0, self.extra_keys))
        return k, v, mask

    # [K; b_k; 0]:  db_k = Σₙ of the row at b_k
    def take_back_keys(self, dk: Tensor, dv: Tensor, length: int) -> tuple[Tensor, Tensor]:
        if self.bias_k is not None and self.bias_v is not None:
            self.bias_k.grad += dk[:, :, length].sum(0).reshape(1, 1, -1)
            self.bias_v.grad += dv[:, :, length].sum(0).reshape(1, 1, -1)
        return dk[:, :, :length], dv[:, :, :length]

    def _one_for_all(self, bias: Parameter, x: Tensor) -> Tensor:
        """(1, 1, H·d) -> (N, H, 1, d)."""
        return bias.value.reshape(1, self.num_heads, 1, -1).expand(x.shape[0], -1, -1, -1)

    def _separate(self) -> tuple[Parameter, ...]:
        each = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        return tuple(parameter for parameter in each if parameter is not None)

    def _weight_values(self) -> tuple[Tensor, ...]:
        if self.in_proj_weight is not None:
            return self.in_proj_weight.value.chunk(3)
        return tuple(parameter.value for parameter in self._separate())
