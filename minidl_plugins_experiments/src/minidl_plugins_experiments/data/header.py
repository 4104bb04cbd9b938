"""Does the first row of a table have the names of its columns?"""

from __future__ import annotations

from itertools import pairwise

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.cells import MISSING

__all__ = ["has_header"]


def has_header(rows: list[list[str]], where: str) -> bool:
    """Return whether the first of `rows` has names.

    It does where a text stands above a column of numbers, and where numbers count the columns, as
    data frames without names are written. It does not where a number stands above each column of
    numbers. In a table of texts alone it does unless its cells occur again below.

    Raises:
        ArgumentError: it cannot be known.
    """
    first, body = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    if not body:
        return not any(map(_is_number, first))
    numeric = [
        index
        for index, column in enumerate(zip(*body, strict=True))
        if all(_is_number(cell) or cell.lower() in MISSING for cell in column)
        and any(map(_is_number, column))
    ]
    votes = [_is_number(first[index]) for index in numeric if first[index].lower() not in MISSING]
    if numeric and not all(votes):
        return True
    if all(map(_is_number, first)):
        return _names_that_are_numbers(first, body, where)
    if votes:
        return False
    return not any(
        cell in column for cell, column in zip(first, zip(*body, strict=True), strict=True)
    )


def _names_that_are_numbers(first: list[str], body: list[list[str]], where: str) -> bool:
    """Return whether numbers are names: each is one more than the one before it."""
    if not all(cell.isdecimal() for cell in first):
        return False
    if any(int(b) - int(a) != 1 for a, b in pairwise(first)):
        return False
    columns = list(zip(*body, strict=True))
    fractions = any(all("." in cell for cell in column) for column in columns)
    if fractions or len(first) > 3:
        return True
    if len(first) == 1:
        return False
    raise ArgumentError(
        f"cannot tell whether the first row, {', '.join(first)}, has names or is data already; "
        "write header = true or header = false",
        where=where,
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return "_" not in cell
