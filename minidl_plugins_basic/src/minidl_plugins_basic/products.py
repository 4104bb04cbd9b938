"""Matrix products of models alone and stacked, each in one call where torch has one.

BLAS is slow, by up to seven times, where the rows of a result are shorter than a vector register,
as in the weight gradient of a first layer or the output of a last one. There the transpose is
computed: A B = (Bᵀ Aᵀ)ᵀ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["add_product", "add_rows", "affine", "product"]

REGISTER = 16  # elements
# Elements of A from which on the transpose is worth its additional operation, as measured.
ENOUGH_TO_ADD = 1 << 11
ENOUGH_TO_COPY = 1 << 14


def product(a: Tensor, b: Tensor) -> Tensor:
    """A B.  (…, m, k), (…, k, n) -> (…, m, n)"""
    if _is_long_and_narrow(a, b.shape[-1]):
        return (b.mT @ a.mT).mT.contiguous()
    return a @ b


def affine(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """X Wᵀ + b.  (…, n, in), (…, out, in), (…, out) -> (…, n, out)"""
    if b is None or x.ndim not in (2, 3):
        y = product(x, w.mT)
        return y if b is None else y + b.unsqueeze(-2)
    add = torch.addmm if x.ndim == 2 else torch.baddbmm
    if _is_long_and_narrow(x, w.shape[-2]):
        return add(b.unsqueeze(-1), w, x.mT).mT.contiguous()
    return add(b.unsqueeze(-2), x, w.mT)


def add_product(total: Tensor, a: Tensor, b: Tensor) -> None:
    """Do total += A B, in place.  (…, m, k), (…, k, n) -> (…, m, n)"""
    if b.shape[-1] < REGISTER and b.shape[-1] < a.shape[-2] and a.numel() >= ENOUGH_TO_ADD:
        total += (b.mT @ a.mT).mT
    elif total.ndim == 2:
        total.addmm_(a, b)
    elif total.ndim == 3:
        total.baddbmm_(a, b)
    else:
        total += a @ b


def add_rows(total: Tensor, rows: Tensor) -> None:
    """Do total += Σₙ rowsₙ, in place.  (…, m), (…, n, m) -> (…, m)

    Of one model it is the product rowsᵀ 1, with a column of n ones, in a third of the time.
    """
    if total.ndim == 1:
        total.addmv_(rows.mT, rows.new_ones(rows.shape[0]))
    else:
        total += rows.sum(-2)


def _is_long_and_narrow(a: Tensor, columns: int) -> bool:
    """Whether the transpose of a product of `a` with that many columns is worth a copy."""
    return 1 < columns < REGISTER and a.numel() >= ENOUGH_TO_COPY
