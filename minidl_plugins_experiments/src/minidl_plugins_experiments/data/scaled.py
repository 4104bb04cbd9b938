"""Columns of quantities, which become standardised inputs: numbers, and words for yes and no."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from minidl_plugins_experiments.data.cells import Flags, Floats, missing_in, numbers_in
from minidl_plugins_experiments.data.findings import Problem, quoted
from minidl_plugins_experiments.data.notation import Notation

if TYPE_CHECKING:
    import pandas as pd

    from minidl_plugins_experiments.data.findings import Findings

    DType = np.dtype[Any]

__all__ = ["Flag", "Number", "Scaled"]

PLAIN = Notation()


@dataclass(frozen=True)
class Scaled:
    """A quantity x becomes (x − mean) / std, and a missing one `fill`.

    Attributes:
        fill: the input of a missing value: that of the mean of the training part.
        indicator: whether a further input is 1 where the cell is missing, and 0 elsewhere.
        missing: further words for a missing value, in lower case.
    """

    name: str
    mean: float = 0.0
    std: float = 1.0
    fill: float = 0.0
    indicator: bool = False
    missing: list[str] = field(default_factory=list)

    @property
    def inputs(self) -> list[str]:
        return [self.name, f"{self.name} is missing"] if self.indicator else [self.name]

    def scaled(self, values: Floats, findings: Findings, dtype: DType) -> Floats:
        """Return the inputs of each value; NaN is a missing one.  (n,) -> (n, 1 or 2)"""
        missing = np.isnan(values)
        inputs = np.empty((len(values), 1 + self.indicator), dtype)
        np.subtract(values.astype(dtype, copy=False), dtype.type(self.mean), out=inputs[:, 0])
        inputs[:, 0] /= dtype.type(self.std)
        inputs[missing, 0] = self.fill
        if self.indicator:
            inputs[:, 1] = missing
        elif missing.any():
            findings.notes.append(
                f'column "{self.name}": {missing.sum()} of {len(values)} values are missing, and '
                "none was in training; the mean of the training rows stands for them"
            )
        return inputs

    def refuse(self, cells: pd.Series[Any], bad: Flags, expected: str, findings: Findings) -> None:
        """Report the first of the `bad` cells."""
        if bad.any():
            row, count = int(bad.argmax()), int(bad.sum())
            more = f" (the first of {count} in this column)" if count > 1 else ""
            got = quoted(str(cells.iloc[row]))
            findings.problems.append(
                Problem(
                    f'column "{self.name}"',
                    f"expected {expected}, got {got}{more}; correct it, or empty the cell",
                    row,
                )
            )


@dataclass(frozen=True)
class Number(Scaled):
    """A number becomes (x − mean) / std. `notation` says how it is written."""

    kind: ClassVar[str] = "number"
    notation: Notation = field(default=PLAIN)

    @property
    def text(self) -> bool:
        return self.notation != PLAIN

    def values(self, cells: pd.Series[Any]) -> tuple[Floats, Flags]:
        """Return the numbers, NaN for a missing one, and what is neither.  -> (n,), (n,)"""
        return numbers_in(cells, self.notation, missing_in(cells, frozenset(self.missing)))

    def encode(self, cells: pd.Series[Any], findings: Findings, dtype: DType) -> Floats:
        values, bad = self.values(cells)
        self.refuse(cells, bad, "a number, as in training", findings)
        return self.scaled(values, findings, dtype)


@dataclass(frozen=True)
class Flag(Scaled):
    """One of two words becomes 1 or 0, which is standardised as a number is.

    Attributes:
        true, false: the words, in lower case.
    """

    kind: ClassVar[str] = "flag"
    true: str = "true"
    false: str = "false"

    @property
    def text(self) -> bool:
        return True

    def values(self, cells: pd.Series[Any]) -> tuple[Floats, Flags]:
        """Return 1, 0, or NaN for a missing word, and what is none of them.  -> (n,), (n,)"""
        missing = missing_in(cells, frozenset(self.missing))
        words = cells.astype("string").str.strip().str.lower()
        true, false = (
            (words == word).fillna(False).to_numpy(bool) for word in (self.true, self.false)
        )
        values = np.where(true, 1.0, np.where(false, 0.0, np.nan))
        return values, ~(true | false | missing)

    def encode(self, cells: pd.Series[Any], findings: Findings, dtype: DType) -> Floats:
        values, bad = self.values(cells)
        self.refuse(cells, bad, f'"{self.true}" or "{self.false}", as in training', findings)
        return self.scaled(values, findings, dtype)
