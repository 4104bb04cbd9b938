"""Cells of a column as numbers, and which of them are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from minidl_plugins_experiments.data.notation import Notation

__all__ = ["MISSING", "Flags", "Floats", "is_numeric", "missing_in", "numbers_in"]

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.floating[Any]]]"
Flags: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"

# What stands for a missing value, in lower case. An empty cell does, too.
MISSING = frozenset({"", "nan", "na", "n/a", "#n/a", "null", "none", "?", "-", "missing"})


def is_numeric(cells: pd.Series[Any]) -> bool:
    """Return whether `cells` were read as numbers, or as true and false."""
    return cells.dtype.kind in "biuf"


def missing_in(cells: pd.Series[Any], more: frozenset[str] = frozenset()) -> Flags:
    """Return where a cell is missing.  (n,)

    Args:
        more: further words for a missing value, in lower case.
    """
    empty: Flags = cells.isna().to_numpy(dtype=bool)
    if is_numeric(cells):
        return empty
    words = cells.astype("string").str.strip().str.lower()
    marks: Flags = words.isin(MISSING | more).to_numpy(dtype=bool)
    return empty | marks


def numbers_in(cells: pd.Series[Any], notation: Notation, missing: Flags) -> tuple[Floats, Flags]:
    """Return the finite numbers that `cells` say, NaN where `missing`, and what is neither.

    Cells that were read as numbers already are taken as they are.  -> (n,), (n,)
    """
    import pandas as pd

    if is_numeric(cells):
        values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        words = cells.astype("string").str.strip().where(~missing, "odd")
        plain = notation.plain(words)
        values = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad: Flags = ~missing & ~np.isfinite(values)
    return (np.where(bad, np.nan, values) if bad.any() else values), bad
