"""Cells of a column as numbers: which ones are missing, and how a number is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MISSING", "Floats", "Notation", "missing_in", "numbers_in"]

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Flags: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"

# What stands for a missing value, in lower case. An empty cell does, too.
MISSING = frozenset({"", "nan", "na", "n/a", "#n/a", "null", "none", "?", "-", "missing"})


@dataclass(frozen=True)
class Notation:
    """How the numbers of a column are written.

    Attributes:
        decimal: what stands before the decimals, a point or a comma.
        thousands: what stands between groups of three digits, or nothing.
        unit: what stands after each number, such as ``%`` or ``kg``, or nothing.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""

    def plain(self, cells: pd.Series[str]) -> pd.Series[str]:
        """Return `cells` as Python writes numbers."""
        if self.unit:
            cells = cells.str.removesuffix(self.unit).str.rstrip()
        if self.thousands:
            cells = cells.str.replace(self.thousands, "", regex=False)
        if self.decimal != ".":
            cells = cells.str.replace(self.decimal, ".", regex=False)
        return cells


def missing_in(cells: pd.Series[Any]) -> Flags:
    """Return where a cell is missing.  (n,)"""
    empty: Flags = cells.isna().to_numpy()
    if cells.dtype.kind in "biuf":
        return empty
    marks: Flags = cells.str.lower().isin(MISSING).to_numpy()
    return empty | marks


def numbers_in(cells: pd.Series[Any], notation: Notation) -> tuple[Floats, Flags]:
    """Return the finite numbers that `cells` say, NaN for missing ones, and which are neither.

    Cells that were read as numbers already are taken as they are.  -> (n,), (n,)
    """
    import pandas as pd

    missing = missing_in(cells)
    if cells.dtype.kind in "biuf":
        values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        plain = notation.plain(cells.where(~missing, "nan"))
        # "1_000" and "0x10" are numbers to Python; in a table they are more likely mistakes.
        odd = plain.str.contains("_", regex=False).to_numpy(dtype=bool)
        values = pd.to_numeric(plain.where(~odd, "odd"), errors="coerce").to_numpy(np.float64)
    bad: Flags = ~missing & ~np.isfinite(values)
    return np.where(missing | bad, np.nan, values), bad
