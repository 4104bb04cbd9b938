"""The distance and the similarity of pairs of vectors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    ShapeError,
    check_alike,
    check_grad_output,
    check_no_graph,
)
from minidl_plugins_nn.half import wide

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(BaseModule):
    """s = x₁ · x₂ / (max(‖x₁‖, ε) · max(‖x₂‖, ε)), over the dimension `dim`.

    Shapes: x₁ and x₂ broadcast against each other, as in torch.nn.CosineSimilarity; s has their
    common shape without `dim`. Where a norm is below ε the gradient is that of this formula;
    torch differentiates as if ε were the norm itself.

    Args:
        dim: the dimension of the vectors.
        eps: ε, the least norm to divide by.

    Raises:
        ArgumentError: ε is not above 0.
        ShapeError: the shapes do not broadcast, or have no dimension `dim`.
        DtypeError, DeviceError: the inputs differ in it.
    """

    traceable = True

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        if not eps > 0:
            raise ArgumentError(f"eps must be above 0, got {eps!r}", where="CosineSimilarity")
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        shape = common_shape(self, x1, x2)
        if not -len(shape) <= self.dim < len(shape):
            raise ShapeError(f"expected a dimension {self.dim}, got {tuple(shape)}", where=self)
        dtype = x1.dtype
        x1, x2 = wide(x1), wide(x2)
        norms = [x.expand(shape).norm(dim=self.dim, keepdim=True) for x in (x1, x2)]
        m1, m2 = (norm.clamp_min(self.eps) for norm in norms)
        u1, u2 = x1 / m1, x2 / m2
        s: Tensor = (u1 * u2).sum(self.dim, keepdim=True)
        inside = [norm >= self.eps for norm in norms]
        self.push((u1, u2, m1, m2, s, inside, x1.shape, x2.shape, dtype))
        return s.squeeze(self.dim).to(dtype)

    # With u = x / ‖x‖:  ds/dx₁ = (u₂ − s u₁) / ‖x₁‖, and u₂ / ε where ε stands for the norm
    def backward(self, grad_output: Tensor) -> tuple[Tensor, Tensor]:
        u1, u2, m1, m2, s, (inside1, inside2), shape1, shape2, dtype = self.pop()
        check_grad_output(self, grad_output, s.squeeze(self.dim).shape)
        ds = grad_output.unsqueeze(self.dim)
        dx1 = ds * (u2 - inside1 * s * u1) / m1
        dx2 = ds * (u1 - inside2 * s * u2) / m2
        return dx1.sum_to_size(shape1).to(dtype), dx2.sum_to_size(shape2).to(dtype)

    def summary(self) -> str:
        return f"Cosine Similarity, dim: {self.dim}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example(shapes=[(4, 3), (4, 3)], low=0.5),
            Example({"dim": -1, "eps": 4.0}, shapes=[(2, 3, 4), (2, 3, 4)]),
        ]


class PairwiseDistance(BaseModule):
    """d = ‖x₁ − x₂ + ε‖ₚ over the last dimension, with ‖v‖ₚ = (Σᵢ |vᵢ|ᵖ)^(1/p).

    Shapes: x₁ and x₂ (*, D), which broadcast against each other, as in torch.nn.PairwiseDistance;
    d (*), or (*, 1) with `keepdim`.

    Args:
        norm: p, above 0; infinity takes the largest |vᵢ|.
        eps: ε, which keeps the norm of equal vectors away from 0.
        keepdim: whether d keeps the last dimension.

    Raises:
        ArgumentError: p is not above 0.
        ShapeError: the shapes do not broadcast.
        DtypeError, DeviceError: the inputs differ in it.
    """

    traceable = True

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        if not p > 0:
            raise ArgumentError(f"p must be above 0, got {p!r}", where="PairwiseDistance")
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        common_shape(self, x1, x2)
        v = x1 - x2 + self.eps
        d = v.abs().amax(-1, True) if self.norm == math.inf else v.norm(self.norm, -1, True)
        self.push((v, d, x1.shape, x2.shape))
        return d if self.keepdim else d[..., 0]

    # d = ‖v‖ₚ:  ∂d/∂vᵢ = sign(vᵢ) (|vᵢ| / d)^(p − 1), and 0 where d = 0;
    # for p = ∞ the largest |vᵢ| share sign(vᵢ) equally
    def backward(self, grad_output: Tensor) -> tuple[Tensor, Tensor]:
        v, d, shape1, shape2 = self.pop()
        check_grad_output(self, grad_output, d.shape if self.keepdim else d.shape[:-1])
        dd = grad_output if self.keepdim else grad_output[..., None]
        if self.norm == math.inf:
            largest = (v.abs() == d).to(v.dtype)
            slope = v.sign() * largest / largest.sum(-1, True)
        else:
            ratio = (v.abs() / d).masked_fill(d == 0, 0)
            slope = v.sign() * torch.where(v == 0, 0, ratio ** (self.norm - 1))
        dv = dd * slope
        return dv.sum_to_size(shape1), (-dv).sum_to_size(shape2)

    def summary(self) -> str:
        return f"Pairwise Distance, p: {self.norm}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example(shapes=[(4, 3), (4, 3)]),
            Example({"p": 3.0, "keepdim": True}, shapes=[(2, 3, 4), (2, 3, 4)]),
            Example({"p": 1.5, "eps": 0.25}, shapes=[(4, 3), (4, 3)]),
        ]


def common_shape(layer: object, x1: Tensor, x2: Tensor) -> torch.Size:
    """Return the shape to which `x1` and `x2` broadcast, after checking that they meet."""
    check_no_graph(layer, "first input", x1)
    check_alike(layer, "second input", x2, "first input", x1)
    if not x1.is_floating_point() or not x1.ndim or not x2.ndim:
        raise ShapeError(
            f"expected two inputs of vectors in a floating-point dtype, got {x1.dtype} of shapes "
            f"{tuple(x1.shape)} and {tuple(x2.shape)}; convert them: x.float().reshape(rows, -1)",
            where=layer,
        )
    try:
        return torch.Size(torch.broadcast_shapes(x1.shape, x2.shape))  # type: ignore[no-untyped-call]
    except RuntimeError:
        raise ShapeError(
            f"expected two inputs of one shape, or that broadcast, got {tuple(x1.shape)} and "
            f"{tuple(x2.shape)}; reshape one",
            where=layer,
        ) from None
