"""A time series from a column of a CSV file: what is the next value?"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import torch

from minidl_core import ArgumentError, suggest
from minidl_plugins_experiments.data.arguments import check_share, check_whole_number
from minidl_plugins_experiments.data.data import Data, Split

__all__ = ["series"]


def series(
    path: Path,
    column: str,
    window: int,
    *,
    dtype: torch.dtype,
    horizon: int = 1,
    test: float = 0.2,
    validation: float = 0.0,
) -> Data:
    """Windows of a series in the order of time; the target is the value `horizon` steps later.

    The last values are the test set, those before them the validation set, if there is one. With
    the mean μ and the standard deviation σ of the training part alone, v becomes (v − μ) / σ.

    Shapes: x (n, window, 1), y (n, 1).

    Args:
        path: a CSV file in UTF-8 with a header; its rows are in the order of time.
        column: the name of the column.
        window: how many values the model sees.
        horizon: how many steps after the last of them the target is.
        test, validation: the share of the values in each part.

    Raises:
        ArgumentError: an argument is out of its range, the file or a cell cannot be read, or there
            are too few values.
    """
    check_whole_number("window", window, least=1)
    check_whole_number("horizon", horizon, least=1)
    check_share("test", test)
    check_share("validation", validation, may_be_zero=True)
    values = torch.tensor(_column(Path(path), column), dtype=torch.float64)
    held_out, chosen_on = round(len(values) * test), round(len(values) * validation)
    rest = len(values) - held_out - chosen_on
    before = window + horizon - 1  # values that a target needs before it
    if rest <= before + 1 or not held_out or (validation and not chosen_on):
        raise ArgumentError(
            f"expected more than {before + 1} values to train on and some in each other part, got "
            f"{len(values)} in all; take a longer series, a shorter window or other shares",
            where="window",
        )
    mean, std = values[:rest].mean(), values[:rest].std()
    if not std > 0:
        raise ArgumentError(
            f"expected values that change, got {mean.item()} in all of the training part; choose "
            "another column",
            where="column",
        )
    scaled = ((values - mean) / std).to(dtype)
    x = scaled.unfold(0, window, 1)[: len(scaled) - before].unsqueeze(-1)
    y = scaled[before:].unsqueeze(-1)  # row i is the target of window i
    ends = [rest - before, rest + chosen_on - before, len(y)]
    train, choosing, testing = (
        Split(x[start:end].contiguous(), y[start:end])
        for start, end in zip([0, *ends], ends, strict=False)
    )
    notes = {
        "file": str(path),
        "target": column,
        "target_mean": mean.item(),
        "target_std": std.item(),
    }
    return Data(train, testing, "regression", choosing if validation else None, notes)


def _column(path: Path, name: str) -> list[float]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArgumentError(
            f"expected a CSV file in UTF-8, and {path} cannot be read ({error}); correct the path",
            where="path",
        ) from error
    header, *cells = rows or [[]]
    if name not in header:
        raise ArgumentError(
            f'there is no column "{name}" in {path}.{suggest(name, header)} There are: '
            f"{', '.join(header) or 'none'}",
            where="column",
        )
    place = header.index(name)
    return [_number(row, place, path, line) for line, row in enumerate(cells, start=2) if row]


def _number(row: list[str], place: int, path: Path, line: int) -> float:
    cell = row[place] if place < len(row) else ""
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ArgumentError(
            f"expected a number in line {line} of {path}, got {cell!r}; fill the gap: a series has "
            "a value at each time",
            where="column",
        )
    return value
