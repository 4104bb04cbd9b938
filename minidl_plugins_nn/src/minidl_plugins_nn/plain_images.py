"""The formulas of convolution, pooling and norms in plain operations, forward and backward.

The layers call torch's kernels, which are faster; these functions are what the kernels compute, for
readers and for the tests, which compare the two. X is (n, c, height, width).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = [
    "convolution",
    "convolution_backward",
    "maximum",
    "maximum_backward",
    "mean",
    "mean_backward",
    "normalise",
    "normalise_backward",
]


def windows(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Return V[n, c, y, x, k, l] = X[n, c, s y + k, s x + l], a view."""
    view: Tensor = x.unfold(2, kernel, stride).unfold(3, kernel, stride)
    return view


def spread(dv: Tensor, shape: Sequence[int], stride: int) -> Tensor:
    """Return dX[n, c, i, j], the sum of dV over all windows and places with that element."""
    dx = dv.new_zeros(list(shape))
    height, width, kernel = dv.shape[2], dv.shape[3], dv.shape[4]
    for k in range(kernel):
        for m in range(kernel):
            rows = slice(k, k + stride * (height - 1) + 1, stride)
            columns = slice(m, m + stride * (width - 1) + 1, stride)
            dx[:, :, rows, columns] += dv[..., k, m]
    return dx


# Y[n, o, y, x] = b[o] + Σ W[o, c, k, l] V[n, c, y, x, k, l]
def convolution(x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
    """Return Y for W (o, c, k, k) and b (o,), without padding."""
    v = windows(x, weight.shape[-1], stride)
    return torch.einsum("ncyxkl,ockl->noyx", v, weight) + bias[:, None, None]


# dW = Σ dY V,  db = Σ dY,  dV = dY W, spread to dX
def convolution_backward(
    dy: Tensor, x: Tensor, weight: Tensor, stride: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return dX, dW and db."""
    v = windows(x, weight.shape[-1], stride)
    dw = torch.einsum("noyx,ncyxkl->ockl", dy, v)
    dv = torch.einsum("noyx,ockl->ncyxkl", dy, weight)
    return spread(dv, x.shape, stride), dw, dy.sum((0, 2, 3))


# Y = max over (k, l) of V
def maximum(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Return the largest element of each window."""
    return windows(x, kernel, stride).flatten(-2).amax(-1)


# dV = dY at the first largest element of each window, else 0
def maximum_backward(dy: Tensor, x: Tensor, kernel: int, stride: int) -> Tensor:
    """Return dX."""
    v = windows(x, kernel, stride).flatten(-2)
    first = torch.nn.functional.one_hot(v.argmax(-1), kernel**2).to(dy.dtype)
    dv = (dy[..., None] * first).unflatten(-1, (kernel, kernel))  # type: ignore[no-untyped-call]
    return spread(dv, x.shape, stride)


# Y = 1/k² Σ V
def mean(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Return the mean of each window."""
    return windows(x, kernel, stride).mean((-1, -2))


# dV = dY / k²
def mean_backward(dy: Tensor, shape: Sequence[int], kernel: int, stride: int) -> Tensor:
    """Return dX."""
    dv = (dy / kernel**2)[..., None, None].expand(*dy.shape, kernel, kernel)
    return spread(dv, shape, stride)


# x̂ = (x − μ) s with s = 1/√(σ² + ε), y = γ x̂ + β
def normalise(x: Tensor, dims: tuple[int, ...], gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """Return y, with the mean μ and the variance σ² over `dims`.

    Batch norm takes all dimensions but the channels, instance norm those after them, layer norm the
    last ones, and group norm those of a group, after x is reshaped to (n, groups, ...).
    """
    x_hat, _ = _standardised(x, dims, eps)
    return gamma * x_hat + beta


# With g = γ dy and means over `dims`:  dx = s (g − mean(g) − x̂ mean(g x̂)).
# dγ = Σ dy x̂ and dβ = Σ dy, over all that one γ stands for.
def normalise_backward(
    dy: Tensor, x: Tensor, dims: tuple[int, ...], gamma: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return dx, dγ and dβ."""
    x_hat, s = _standardised(x, dims, eps)
    g = gamma * dy
    mean_g = g.mean(dims, keepdim=True)
    mean_gx = (g * x_hat).mean(dims, keepdim=True)
    dx = s * (g - mean_g - x_hat * mean_gx)
    return dx, (dy * x_hat).sum_to_size(gamma.shape), dy.sum_to_size(gamma.shape)


def _standardised(x: Tensor, dims: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor]:
    mu = x.mean(dims, keepdim=True)
    s = ((x - mu).square().mean(dims, keepdim=True) + eps).rsqrt()
    return (x - mu) * s, s
