"""Columns of a table that only count its rows, or have no values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from minidl_plugins_experiments.data.cells import missing_in

if TYPE_CHECKING:
    from minidl_plugins_experiments.data.table import Column, Table

__all__ = ["why_left_out"]

# What columns of row numbers are called: by data frames, and by people.
COUNTERS = re.compile(
    r"|index|unnamed.*|(row[ _.-]?)?(id|no|nr|number)|row|.*[ _-]id|[a-z]+id", re.IGNORECASE
)


def why_left_out(table: Table, column: Column) -> str | None:
    """Return why `column` cannot say anything about a target, or None if it may."""
    cells = table.cells(column)
    if bool(missing_in(cells).all()):
        return "left out, for it has no values"
    if cells.dtype.kind in "iu" and (column.name or table.form.header):
        values = cells.to_numpy()
        counts = len(values) > 2 and bool((np.diff(values) == 1).all())
        if counts and COUNTERS.fullmatch(column.name):
            return "left out, for it numbers the rows"
    return None
