"""Columns of dates and of words, which become several inputs each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from minidl_plugins_experiments.data.cells import Flags, Floats, is_numeric, missing_in
from minidl_plugins_experiments.data.dates import days_in
from minidl_plugins_experiments.data.findings import listed, quoted
from minidl_plugins_experiments.data.scaled import Scaled

if TYPE_CHECKING:
    import pandas as pd

    from minidl_plugins_experiments.data.findings import Findings

    DType = np.dtype[Any]

__all__ = ["DAY", "WEEK", "YEAR", "Category", "Date"]

YEAR, WEEK, DAY = 365.2425, 7.0, 1.0
CYCLES = {YEAR: "of the year", WEEK: "of the week", DAY: "of the day"}


@dataclass(frozen=True)
class Date(Scaled):
    """A date becomes its days since the beginning of 1970, standardised, and points on circles.

    Each of the `cycles`, in days, gives two inputs, sin and cos of 2π days / cycle, so that
    December is near January.

    Attributes:
        form: how the dates are written, as Python's ``strptime`` has it.
    """

    kind: ClassVar[str] = "date"
    form: str = "%Y-%m-%d"
    cycles: list[float] = field(default_factory=list)

    @property
    def text(self) -> bool:
        return True

    @property
    def inputs(self) -> list[str]:
        days, *rest = super().inputs
        rest += [
            f"{self.name}, {part} {CYCLES.get(cycle, f'of {cycle} days')}"
            for cycle in self.cycles
            for part in ("sin", "cos")
        ]
        return [f"{days}, days since 1970", *rest]

    def values(self, cells: pd.Series[Any]) -> tuple[Floats, Flags]:
        """Return the days, NaN for a missing date, and what is neither.  -> (n,), (n,)"""
        days = days_in(cells, self.form)
        return days, np.isnan(days) & ~missing_in(cells, frozenset(self.missing))

    def encode(self, cells: pd.Series[Any], findings: Findings, dtype: DType) -> Floats:
        days, bad = self.values(cells)
        self.refuse(cells, bad, f"a date written as {self.form}, as in training", findings)
        parts = [self.scaled(days, findings, dtype)]
        for cycle in self.cycles:
            angle = np.nan_to_num(days) * (2 * math.pi / cycle)
            circle = np.stack([np.sin(angle), np.cos(angle)], axis=1)
            circle[np.isnan(days)] = 0.0
            parts.append(circle.astype(dtype))
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class Category:
    """A word becomes one input for each word of the training part: 1 for its own, 0 elsewhere.

    Attributes:
        words: the words, sorted.
        others: whether one more input stands for all other words.
        indicator: whether one more input stands for missing cells.
        missing: further words for a missing value, in lower case.
    """

    kind: ClassVar[str] = "category"
    name: str
    words: list[str]
    others: bool = False
    indicator: bool = False
    missing: list[str] = field(default_factory=list)

    @property
    def text(self) -> bool:
        return True

    @property
    def inputs(self) -> list[str]:
        inputs = [f"{self.name} = {word}" for word in self.words]
        inputs += [f"{self.name} is another"] if self.others else []
        return inputs + ([f"{self.name} is missing"] if self.indicator else [])

    def encode(self, cells: pd.Series[Any], findings: Findings, dtype: DType) -> Floats:
        import pandas as pd

        missing = missing_in(cells, frozenset(self.missing))
        if is_numeric(cells):  # 3.0 of a data frame is the word 3
            whole = cells.dtype.kind == "f" and bool((cells.dropna() % 1 == 0).all())
            cells = cells.astype("Int64") if whole else cells
        words = cells.astype("string").str.strip()
        places = pd.Index(self.words).get_indexer(words.where(~missing, None))
        inputs = np.zeros((len(cells), len(self.inputs)), dtype)
        known = places >= 0
        inputs[known.nonzero()[0], places[known]] = 1.0
        unknown = ~known & ~missing
        if self.others:
            inputs[unknown, len(self.words)] = 1.0
        elif unknown.any():
            new = [quoted(word) for word in words[unknown].unique().tolist()]
            findings.notes.append(
                f'column "{self.name}": {unknown.sum()} of {len(cells)} cells have words that '
                f"training had not ({listed(new, 5)}); their inputs are all 0"
            )
        if self.indicator:
            inputs[missing, -1] = 1.0
        elif missing.any():
            findings.notes.append(
                f'column "{self.name}": {missing.sum()} of {len(cells)} cells are missing, and '
                "none was in training; their inputs are all 0"
            )
        return inputs
