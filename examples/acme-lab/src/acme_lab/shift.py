"""An augmentation that moves a row to mean zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Shift"]


class Shift:
    """y = x − mean(x)."""

    def augment(self, row: Sequence[float]) -> list[float]:
        mean = sum(row) / len(row)
        return [x - mean for x in row]
