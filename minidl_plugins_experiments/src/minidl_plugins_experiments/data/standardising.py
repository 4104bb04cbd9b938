"""Columns brought to mean 0 and standard deviation 1 by what the training part alone shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Standard", "standard_of"]


class Standard(NamedTuple):
    """One mean and one standard deviation for each column.  (features,), (features,)"""

    mean: Tensor
    std: Tensor

    def apply(self, x: Tensor) -> Tensor:
        """(x − mean) / std, column by column.  (n, features) -> (n, features)"""
        return (x - self.mean) / self.std


def standard_of(x: Tensor) -> Standard:
    """Mean and standard deviation (n − 1) of each column of `x`, the training part.

    A column that is constant there says nothing: it is only moved to 0, std being 1. That is asked
    of its values, for the standard deviation of many equal numbers need not come out as 0.
    """
    mean, std = x.mean(0), x.std(0)
    constant = x.amax(0) == x.amin(0)
    return Standard(
        x[0].where(constant, mean), torch.ones_like(std).where(constant | (std == 0), std)
    )
