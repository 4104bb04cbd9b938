"""Matrix products of models alone and stacked, each in one call where torch has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["add_product", "affine"]


def affine(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """X Wᵀ + b.  (…, n, in), (…, out, in), (…, out) -> (…, n, out)"""
    if b is None:
        return x @ w.mT
    if x.ndim == 2:
        return torch.addmm(b, x, w.mT)
    if x.ndim == 3:
        return torch.baddbmm(b.unsqueeze(-2), x, w.mT)
    return x @ w.mT + b.unsqueeze(-2)


def add_product(total: Tensor, a: Tensor, b: Tensor) -> None:
    """Do total += A B, in place.  (…, m, k), (…, k, n) -> (…, m, n)"""
    if total.ndim == 2:
        total.addmm_(a, b)
    elif total.ndim == 3:
        total.baddbmm_(a, b)
    else:
        total += a @ b
