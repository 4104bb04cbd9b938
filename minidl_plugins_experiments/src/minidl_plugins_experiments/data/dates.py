"""Dates and times of a column as numbers of days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from minidl_plugins_experiments.data.cells import Floats

__all__ = ["date_formats_of", "days_in"]

DAYS = ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"]
TIMES = ["", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", "T%H:%M:%SZ", " %H:%M:%S.%f"]
WORDS = ["%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d.%m.%y", "%m/%d/%y",
         "%d/%m/%y", "%Y-%m"]  # fmt: skip
FORMATS = [day + time for day in DAYS for time in TIMES] + WORDS
SAMPLE = 50


def date_formats_of(cells: Sequence[str]) -> list[str]:
    """Return every format in which all of `cells` are dates: two for 03/04/2024."""
    if not all(any(map(str.isdigit, cell)) and len(cell) <= 40 for cell in cells[:SAMPLE]):
        return []
    likely = [each for each in FORMATS if _all_dates(cells[:SAMPLE], each)]
    return [each for each in likely if _all_dates(cells, each)]


def _all_dates(cells: Sequence[str], form: str) -> bool:
    import pandas as pd

    return bool(pd.to_datetime(pd.Series(cells), format=form, errors="coerce").notna().all())


def days_in(cells: pd.Series[Any], form: str) -> Floats:
    """Return the days since the beginning of 1970, with the time as a fraction; NaN for no date."""
    import pandas as pd

    if cells.dtype.kind == "M":  # a data frame's own dates
        when = cells
    else:
        when = pd.to_datetime(cells.astype("string").str.strip(), format=form, errors="coerce")
    if getattr(when.dt, "tz", None) is not None:
        when = when.dt.tz_localize(None)
    seconds = (when - pd.Timestamp("1970-01-01")) / pd.Timedelta(seconds=1)
    days: Floats = seconds.to_numpy(np.float64, na_value=np.nan) / 86400
    return days
