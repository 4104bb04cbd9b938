"""Columns of a table: which one is meant, and what its cells say."""

from __future__ import annotations

import math
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from minidl_core import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_experiments.data.table import Column, Row, Table

__all__ = ["check_names", "classes", "find_column", "numbers"]

MISSING = {"", "nan", "na", "n/a", "null", "none", "?", "-", "missing"}  # for a number
NO_CLASS = {"", "nan", "na", "n/a", "null", "?"}  # "none" may well be the name of a class


def find_column(table: Table, key: object, argument: str) -> Column:
    """The column of `table` that `key` means: its name, or its place from 0 (from −1 backwards).

    Args:
        argument: what the user calls it, for the message.

    Raises:
        ArgumentError: there is no such column, or more than one of that name.
    """
    count = len(table.columns)
    if isinstance(key, int) and not isinstance(key, bool):
        if -count <= key < count:
            return table.columns[key]
        raise ArgumentError(
            f"expected the place of a column, 0 to {count - 1} (or −1 for the last), got {key}; "
            f"the file has {count} columns",
            where=f"{table.path}, {argument}",
        )
    if not isinstance(key, str):
        raise ArgumentError(
            f"expected the name of a column or its place, got {key!r}; write "
            f'{argument} = "name", or -1 for the last',
            where=f"{table.path}, {argument}",
        )
    found = [column for column in table.columns if column.name and column.name == key.strip()]
    if len(found) == 1:
        return found[0]
    if found:
        places = " and ".join(str(column.index) for column in found)
        raise ArgumentError(
            f'expected one column "{key}", got {len(found)}, at {places} (from 0); rename one, or '
            "give the place",
            where=f"{table.path}, {argument}",
        )
    names = [column.name for column in table.columns if column.name]
    if not names:
        cure = "the file has no names (header = false): give its place, -1 for the last"
    else:
        close = get_close_matches(key, names, n=1, cutoff=0.6)
        cure = f'did you mean "{close[0]}"? ' if close else ""
        cure += (
            f"The columns are {_listed(names)}" if close else f"the columns are {_listed(names)}"
        )
    raise ArgumentError(
        f'expected a column "{key}", but there is none; {cure}', where=f"{table.path}, {argument}"
    )


def check_names(table: Table, columns: list[Column], header: bool) -> None:
    """Every column that is used has a name of its own, where the file has names.

    Raises:
        ArgumentError: two have the same, or one has none.
    """
    if not header:
        return
    seen: dict[str, Column] = {}
    for column in columns:
        if not column.name:
            raise ArgumentError(
                f"expected a name, got an empty one; give it one, or leave it out: drop = "
                f"[{column.index}] (pandas writes such a column unless told index=False)",
                where=f"{table.path}, header, {column}",
            )
        if column.name in seen:
            raise ArgumentError(
                f"expected names that differ, got the same at {seen[column.name].index} and "
                f"{column.index} (from 0); rename one, or leave it out: drop = [{column.index}]",
                where=f"{table.path}, header, {column}",
            )
        seen[column.name] = column


def numbers(table: Table, column: Column, *, target: bool = False) -> Tensor:
    """The cells of `column` as float64.  -> (n,)

    Raises:
        ArgumentError: a cell is missing, is text, or is not finite; it names the first, and says
            how many there are.
    """
    values = [_number(row.cells[column.index]) for row in table.rows]
    bad = [row for row, value in zip(table.rows, values, strict=True) if value is None]
    if bad:
        raise ArgumentError(_complaint(bad, column, target), where=table.place(bad[0], column))
    return torch.tensor(values, dtype=torch.float64)


def _number(cell: str) -> float | None:
    """The finite number that `cell` says; Python's 1_000 is none."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def _complaint(bad: list[Row], column: Column, target: bool) -> str:
    cell = bad[0].cells[column.index]
    name = f'"{column.name}"' if column.name else str(column.index)
    leave_out = "" if target else f", or leave the column out: drop = [{name}]"
    more = f" (the first of {len(bad)} in this column)" if len(bad) > 1 else ""
    if cell.lower() in MISSING:
        got = f'"{cell}"' if cell else "an empty cell"
        return f"expected a number, got {got}{more}; fill it in, remove the line{leave_out}"
    if _number(cell.replace(",", ".", 1)) is not None:
        return f'expected a number, got "{cell}"{more}; write a decimal point, not a comma'
    try:
        float(cell)
    except ValueError:
        text = f'expected a number, got the text "{_shortened(cell)}"{more}; '
        if target:
            return text + 'for classes write task = "classification"'
        return text + f"put numbers in its place{leave_out}"
    return f'expected a finite number, got "{cell}"{more}; correct it{leave_out}'


def classes(table: Table, column: Column) -> tuple[Tensor, list[str]]:
    """The class of each row, by its place among the names, and the names.  -> (n,)

    They are sorted as numbers if each is one, and as texts otherwise.

    Raises:
        ArgumentError: a cell is missing, all are alike, or two are one number written in two ways.
    """
    cells = [row.cells[column.index] for row in table.rows]
    for row, cell in zip(table.rows, cells, strict=True):
        if cell.lower() in NO_CLASS:
            got = f'"{cell}"' if cell else "an empty cell"
            raise ArgumentError(
                f"expected a class, got {got}; fill it in, or remove the line",
                where=table.place(row, column),
            )
    names = sorted(set(cells))
    values = {name: _number(name) for name in names}
    if None not in values.values():
        names.sort(key=lambda name: values[name] or 0.0)
        for one, next_one in pairwise(names):
            if values[one] == values[next_one]:
                raise ArgumentError(
                    f'expected one name for each class, got "{one}" and "{next_one}", which are '
                    "the same number; write it in one way",
                    where=table.place(table.rows[cells.index(next_one)], column),
                )
    if len(names) < 2:
        raise ArgumentError(
            f'expected at least two classes, got "{names[0]}" in all {len(cells)} rows; there is '
            "nothing to tell apart: choose another target",
            where=f"{table.path}, {column}",
        )
    place = {name: index for index, name in enumerate(names)}
    return torch.tensor([place[cell] for cell in cells]), names


def _listed(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f", … ({len(names)})" if len(names) > most else "")


def _shortened(text: str, most: int = 40) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
