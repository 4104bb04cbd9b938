"""The first values of parameters: uniform and normal laws, with one generator and one place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from minidl_core import Parameter

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Source"]


class Source(NamedTuple):
    """Where first values come from: the generator, and the device and dtype of what it gives."""

    generator: torch.Generator | None
    device: torch.device | str | None
    dtype: torch.dtype | None

    def uniform(self, bound: float, *shape: int) -> Parameter:
        """U(−bound, bound)."""
        return Parameter(self._empty(shape).uniform_(-bound, bound, generator=self.generator))

    def normal(self, sigma: float, *shape: int) -> Parameter:
        """N(0, sigma²)."""
        return Parameter(self._empty(shape).normal_(0.0, sigma, generator=self.generator))

    def glorot(self, out: int, into: int) -> Parameter:
        """U(−a, a) with a = √(6 / (in + out)), for a matrix (out, in)."""
        return self.uniform(math.sqrt(6 / (into + out)), out, into)

    def zeros(self, *shape: int) -> Parameter:
        return Parameter(self._empty(shape).zero_())

    def _empty(self, shape: tuple[int, ...]) -> Tensor:
        device = self.device
        if device is None and self.generator is not None:
            device = self.generator.device
        return torch.empty(shape, dtype=self.dtype, device=device)
