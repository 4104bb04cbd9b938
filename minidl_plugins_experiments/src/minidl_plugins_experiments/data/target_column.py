"""The target of a table: classes by their names, or a quantity."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.cells import is_numeric, missing_in, numbers_in
from minidl_plugins_experiments.data.findings import Problem, listed, quoted
from minidl_plugins_experiments.data.fitting import moments
from minidl_plugins_experiments.data.kinds import notation_of
from minidl_plugins_experiments.data.notation import Notation
from minidl_plugins_experiments.data.splitting import split_by_class, split_rows
from minidl_plugins_experiments.data.targets import Classes, Quantity

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_experiments.data.cells import Floats
    from minidl_plugins_experiments.data.findings import Findings
    from minidl_plugins_experiments.data.kinds import Choices
    from minidl_plugins_experiments.data.splitting import Parts
    from minidl_plugins_experiments.data.table import Column, Table

__all__ = ["class_target", "quantity_target"]

NO_CLASS = {"", "nan", "na", "n/a", "null", "?"}  # "none" may well be the name of a class
CODE = re.compile(r"[-+]?0\d+")  # of identifiers such as 007, which are no numbers


def class_target(
    table: Table,
    column: Column,
    findings: Findings,
    test: float,
    validation: float,
    generator: torch.Generator,
) -> tuple[Tensor, Parts, Classes]:
    """Return one-hot targets in float64, the rows of each part, and what the targets mean.

    Raises:
        ArgumentError: there are no classes to tell apart, or too few rows of one. Problems of the
            columns found so far are told with those of the target.
    """
    labels, names = _classes_of(table, column, findings)
    findings.refuse(str(table.path), table.line_of)
    where = f"{table.path}, {column}"
    parts = split_by_class(labels, names, test, validation, generator, where)
    findings.notes += filter(None, [_balance(labels, names, column)])
    y = torch.eye(len(names), dtype=torch.float64)[labels]
    return y, parts, Classes(column.called, names)


def quantity_target(
    table: Table,
    column: Column,
    choices: Choices,
    findings: Findings,
    test: float,
    validation: float,
    generator: torch.Generator,
    *,
    normalise: bool,
) -> tuple[Tensor, Parts, Quantity]:
    """Return targets in float64, the rows of each part, and what the targets mean.

    Raises:
        ArgumentError: as `class_target`.
    """
    values = _quantities_of(table, column, choices, findings)
    findings.refuse(str(table.path), table.line_of)
    where = f"{table.path}, {column}"
    parts = split_rows(len(values), test, validation, generator, where)
    mean, std = moments(values[parts.train.numpy()]) if normalise else (0.0, 1.0)
    if not np.isfinite(std):
        raise ArgumentError(
            "expected numbers whose squares can be summed, got ones too large; give the column "
            "another unit",
            where=where,
        )
    y = torch.from_numpy((values - mean) / std)[:, None]
    return y, parts, Quantity([column.called], [mean], [std])


def _quantities_of(table: Table, column: Column, choices: Choices, findings: Findings) -> Floats:
    """Return the number of each row; `findings` gets what is none.  (n,)"""
    cells = table.cells(column)
    missing = missing_in(cells, choices.missing)
    notation = Notation()
    if not is_numeric(cells):
        found = len(findings.problems)
        notation = notation_of(table, column, choices, findings) or notation
        if len(findings.problems) > found:
            return np.zeros(len(cells))
        if str(notation):
            findings.notes.append(f"{column}: numbers with {notation}")
    values, bad = numbers_in(cells, notation, missing)
    wrong = missing | bad
    if wrong.any():
        row, count = int(wrong.argmax()), int(wrong.sum())
        cell = table.row(row).cells[column.index]
        more = f" (the first of {count} in this column)" if count > 1 else ""
        cure = "fill it in, or remove the line"
        got = quoted(cell)
        if bad[row]:
            cure, got = 'correct it; for classes write task = "classification"', f"the text {got}"
        findings.problems.append(
            Problem(str(column), f"expected a number, got {got}{more}; {cure}", row)
        )
    return values


def _classes_of(table: Table, column: Column, findings: Findings) -> tuple[Tensor, list[str]]:
    """Return the class of each row, by its place among the names, and the names.  -> (n,)

    The names are what is written in the cells, to the letter. They are sorted as numbers if each
    is one, and as texts otherwise.

    Raises:
        ArgumentError: all are alike, or two are one number written in two ways.
    """
    cells = table.cells(column).astype("string")
    missing = cells.isna() | cells.str.lower().isin(NO_CLASS)
    if missing.any():
        row, count = int(missing.to_numpy(bool).argmax()), int(missing.sum())
        cell = "" if cells.isna().iloc[row] else str(cells.iloc[row])
        more = f" (the first of {count} in this column)" if count > 1 else ""
        findings.problems.append(
            Problem(
                str(column),
                f"expected a class, got {quoted(cell)}{more}; fill it in, or remove the line",
                row,
            )
        )
    names = _sorted(table, column, cells.dropna().unique().tolist())
    if len(names) < 2:
        raise ArgumentError(
            f'expected at least two classes, got "{"".join(names)}" in all {len(cells)} rows; '
            "there is nothing to tell apart: choose another target",
            where=f"{table.path}, {column}",
        )
    places = {name: place for place, name in enumerate(names)}
    labels = cells.map(places).fillna(0).to_numpy(np.int64)
    return torch.tensor(labels), names


def _sorted(table: Table, column: Column, names: list[str]) -> list[str]:
    names = sorted(names)
    values = [_exact(name) for name in names]
    if None in values or any(map(CODE.fullmatch, names)):
        return names
    in_order = sorted(zip((value or Decimal(0) for value in values), names, strict=True))
    for (one, name), (other, next_name) in pairwise(in_order):
        if one == other:
            cells = table.cells(column)
            places = [(cells == each).to_numpy(bool).argmax() for each in (name, next_name)]
            row = int(max(places))
            raise ArgumentError(
                f'expected one name for each class, got "{name}" and "{next_name}", which are the '
                "same number; write it in one way",
                where=f"{table.path}, line {table.line_of(row)}, {column}",
            )
    return [name for _, name in in_order]


def _exact(cell: str) -> Decimal | None:
    """Return the number that `cell` says, with all its digits."""
    try:
        value = Decimal(cell)
    except InvalidOperation:
        return None
    return value if value.is_finite() and "_" not in cell else None


def _balance(labels: Tensor, names: list[str], column: Column) -> str | None:
    """Return a sentence about classes of very different sizes, or None."""
    counts = torch.bincount(labels, minlength=len(names)).tolist()
    most, least, rows = max(counts), min(counts), sum(counts)
    if most < 4 * least:
        return None
    sizes = [f"{name} {count}" for name, count in zip(names, counts, strict=True)]
    name = names[counts.index(most)]
    return (
        f"{column}: the classes differ much in size ({listed(sizes, 6)}); always answering "
        f'"{name}" errs in {1 - most / rows:.1%} of the rows'
    )
