"""How a column of a table becomes inputs of a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from minidl_plugins_experiments.data.cells import Floats, Notation, numbers_in
from minidl_plugins_experiments.data.findings import Problem, quoted

if TYPE_CHECKING:
    import pandas as pd

    from minidl_plugins_experiments.data.findings import Findings

    DType = np.dtype[Any]

__all__ = ["Encoder", "Number", "standardised"]

PLAIN = Notation()


class Encoder(Protocol):
    """One column, with what was learned about it from the training part.

    Attributes:
        kind: the word for it in plain data.
        name: the name of the column.
    """

    kind: ClassVar[str]

    @property
    def name(self) -> str: ...

    @property
    def inputs(self) -> list[str]:
        """The name of each input that the column becomes."""

    def encode(self, cells: pd.Series[Any], findings: Findings, dtype: DType) -> Floats:
        """Return the inputs of each row in `dtype`; `findings` gets what is wrong.

        (n,) -> (n, inputs)
        """


@dataclass(frozen=True)
class Number:
    """A quantity x becomes (x − mean) / std. A missing one becomes 0, as if it were the mean.

    Attributes:
        indicator: whether a second input is 1 where the cell is missing, and 0 elsewhere.
        notation: how the numbers are written.
    """

    kind: ClassVar[str] = "number"
    name: str
    mean: float = 0.0
    std: float = 1.0
    indicator: bool = False
    notation: Notation = field(default=PLAIN)

    @property
    def inputs(self) -> list[str]:
        return [self.name, f"{self.name} is missing"] if self.indicator else [self.name]

    def encode(self, cells: pd.Series[Any], findings: Findings, dtype: DType) -> Floats:
        values, bad = numbers_in(cells, self.notation)
        if bad.any():
            row = int(bad.argmax())
            findings.problems.append(
                Problem(
                    f'column "{self.name}"',
                    f"expected a number, as in training, got {quoted(str(cells.iloc[row]))}"
                    f"{more(int(bad.sum()))}; correct it, or empty the cell",
                    row,
                )
            )
        return standardised(values.astype(dtype, copy=False), self, findings)


def standardised(values: Floats, number: Number, findings: Findings) -> Floats:
    """Return (x − mean) / std, 0 for NaN, and perhaps where that was.  (n,) -> (n, 1 or 2)"""
    missing = np.isnan(values)
    inputs = np.empty((len(values), 1 + number.indicator), values.dtype)
    mean, std = values.dtype.type(number.mean), values.dtype.type(number.std)
    np.subtract(values, mean, out=inputs[:, 0])
    inputs[:, 0] /= std
    inputs[missing, 0] = 0.0
    if number.indicator:
        inputs[:, 1] = missing
    elif missing.any():
        findings.notes.append(
            f'column "{number.name}": {missing.sum()} of {len(values)} values are missing, and '
            f"none was in training; the mean of training, {number.mean:.6g}, stands for them"
        )
    return inputs


def more(count: int) -> str:
    return f" (the first of {count} in this column)" if count > 1 else ""
