"""What each column of a table holds: numbers, words for yes and no, dates, or categories."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl_plugins_experiments.data.cells import is_numeric, missing_in, numbers_in
from minidl_plugins_experiments.data.dates import date_formats_of, days_in
from minidl_plugins_experiments.data.encoders import Date
from minidl_plugins_experiments.data.findings import Problem, quoted
from minidl_plugins_experiments.data.notation import UNIT, Notation, notations_of
from minidl_plugins_experiments.data.raw_rows import raw_rows
from minidl_plugins_experiments.data.scaled import Flag, Number

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from minidl_plugins_experiments.data.cells import Flags
    from minidl_plugins_experiments.data.findings import Findings
    from minidl_plugins_experiments.data.table import Column, Table

__all__ = ["Choices", "Kind", "kinds_of_columns", "notation_of"]

SAMPLE = 1000
THOUSANDS = re.compile(r"-?\d{1,3}(\.\d{3})+")
FLAGS = [("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("on", "off")]


@dataclass(frozen=True)
class Choices:
    """What the user says of the columns, by their places.

    Attributes:
        decimal: what stands before the decimals of every number; None to find out.
        missing: further words for a missing value, in lower case.
        categories: columns of categories, whatever is in them.
        dates: how the dates of a column are written.
    """

    decimal: str | None = None
    missing: frozenset[str] = frozenset()
    categories: frozenset[int] = frozenset()
    dates: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """What a column holds, and how it is written."""

    kind: str
    notation: Notation = field(default_factory=Notation)
    form: str = ""
    flags: tuple[str, str] = ("", "")

    def quantity(self, name: str, choices: Choices) -> Number | Flag | Date:
        """Return the encoder of a quantity, which has learned nothing yet."""
        missing = sorted(choices.missing)
        if self.kind == "flag":
            true, false = self.flags
            return Flag(name, missing=missing, true=true, false=false)
        if self.kind == "date":
            return Date(name, missing=missing, form=self.form)
        return Number(name, missing=missing, notation=self.notation)


def kinds_of_columns(
    table: Table, columns: list[Column], choices: Choices, findings: Findings
) -> list[tuple[Column, Kind]]:
    """Return what each of `columns` holds, where it can be said; `findings` gets why not."""
    found = [(column, _kind_of(table, column, choices, findings)) for column in columns]
    kinds = [(column, kind) for column, kind in found if kind is not None]
    if choices.decimal is None and any(kind.notation.decimal == "," for _, kind in kinds):
        _check_points(table, kinds, findings)
    for column, kind in kinds:
        if kind.kind != "category":
            bad = kind.quantity(column.called, choices).values(table.cells(column))[1]
            if bad.any():
                findings.problems.append(_bad_cell(table, column, bad, kind))
    return kinds


def _bad_cell(table: Table, column: Column, bad: Flags, kind: Kind) -> Problem:
    row, count = int(bad.argmax()), int(bad.sum())
    cell = table.row(row).cells[column.index]
    more = f" (the first of {count} in this column)" if count > 1 else ""
    expected = {
        "date": f"a date written as {kind.form}",
        "flag": f'"{kind.flags[0]}" or "{kind.flags[1]}"',
    }.get(kind.kind, "a finite number")
    return Problem(
        str(column),
        f"expected {expected}, got {quoted(cell)}{more}; correct it, or leave the column out: "
        f"drop = [{column.key}]",
        row,
    )


def _check_points(table: Table, kinds: list[tuple[Column, Kind]], findings: Findings) -> None:
    """Beside a column of decimal commas, a point may well stand between thousands."""
    for column, kind in kinds:
        if kind.kind != "number" or table.cells(column).dtype.kind != "f":
            continue
        rows = islice(raw_rows(table.path, table.form), table.form.header, None)
        points = [cell for row in rows if "." in (cell := row.cells[column.index])]
        if points and all(map(THOUSANDS.fullmatch, points)):
            findings.problems.append(_either(column, points[0]))


def _kind_of(table: Table, column: Column, choices: Choices, findings: Findings) -> Kind | None:
    """Return what `column` holds; None where `findings` has got why that cannot be said."""
    cells = table.cells(column)
    if column.index in choices.categories:
        return Kind("category")
    if column.index in choices.dates:
        return Kind("date", form=choices.dates[column.index])
    if cells.dtype.kind == "b":
        return Kind("flag", flags=("true", "false"))
    if is_numeric(cells) and choices.decimal in (None, "."):
        return Kind("number")
    present = cells[~missing_in(cells, choices.missing)].astype("string")
    words = present.unique().tolist()
    lower = {word.lower() for word in words[:3]}
    for flags in FLAGS:
        if len(words) <= 4 and lower <= set(flags):
            return Kind("flag", flags=flags)
    notation = notation_of(table, column, choices, findings)
    if notation is not None:
        return Kind("number", notation)
    if findings.problems and findings.problems[-1].column == str(column):
        return None
    forms = [form for form in date_formats_of(words[:SAMPLE]) if not _bad_dates(present, form)]
    if len(forms) > 1:
        key = column.called
        findings.problems.append(
            Problem(
                str(column),
                f"expected dates that can be read in one way, got {quoted(words[0])}, which may be "
                f'{" or ".join(forms)}; write dates = {{ "{key}" = "{forms[0]}" }}',
            )
        )
        return None
    if forms:
        return Kind("date", form=forms[0])
    return None if _mixed(column, present, findings) else Kind("category")


def _bad_dates(cells: pd.Series[Any], form: str) -> bool:
    return bool(np.isnan(days_in(cells, form)).any())


def notation_of(
    table: Table, column: Column, choices: Choices, findings: Findings
) -> Notation | None:
    """Return how the numbers of `column` are written; None if it holds others, too.

    Also None if that cannot be known; `findings` then has a problem with this column.
    """
    cells = table.cells(column)
    missing = missing_in(cells, choices.missing)
    words = cells[~missing].astype("string").unique().tolist()
    found = notations_of(words[:SAMPLE], choices.decimal)
    if len(words) > SAMPLE:
        found = [each for each in found if not numbers_in(cells, each, missing)[1].any()]
    if len(found) > 1 and choices.decimal is None:
        by_comma = [each for each in found if each.decimal == "."]
        if table.form.delimiter == ",":  # whoever sets columns with commas has decimal points
            found = by_comma or found
    if len(found) > 1:
        word = next((word for word in words if "," in word or "." in word), words[0])
        findings.problems.append(_either(column, word))
        return None
    return found[0] if found else None


def _either(column: Column, cell: str) -> Problem:
    return Problem(
        str(column),
        f"expected numbers that can be read in one way, got {quoted(cell)}, which may have "
        'decimals or thousands after the mark; write decimal = "." or decimal = "," for the '
        "whole file",
    )


def _mixed(column: Column, present: pd.Series[Any], findings: Findings) -> bool:
    """Return whether most cells are numbers and some are not, which `findings` then has."""
    number = present.str.fullmatch(UNIT.pattern).to_numpy(bool)
    if not 0.5 <= number.mean() < 1:
        return False
    texts = present[~number]
    row = int(texts.index[0])
    words = [quoted(word) for word in texts.unique().tolist()]
    more = f" (the first of {len(texts)} in this column)" if len(texts) > 1 else ""
    key = column.key
    word = str(texts.iloc[0]).replace('"', '\\"')
    findings.problems.append(
        Problem(
            str(column),
            f"expected a number, as in most rows, got the text {words[0]}{more}; correct it, or "
            f'write missing = ["{word}"] if that means no value, categories = [{key}] if the '
            f"numbers are names, or drop = [{key}]",
            row,
        )
    )
    return True
