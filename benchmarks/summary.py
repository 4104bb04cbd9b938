"""What several measurements of one thing say: median and quartiles."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Spread:
    """The median of some numbers, and the quartiles on both sides of it."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        if len(numbers) == 1:
            return cls(numbers[0], numbers[0], numbers[0])
        return cls(*statistics.quantiles(numbers, n=4, method="inclusive"))

    def show(self, scale: float = 1.0) -> str:
        """``median (low–high)``, each with as many digits as say something."""
        low, median, high = (digits(n * scale) for n in (self.low, self.median, self.high))
        return f"{median} ({low}–{high})"


def digits(number: float) -> str:
    """Three digits, and no exponent."""
    if number >= 100:
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"
