"""How the numbers of a column are written: decimal comma, thousands, a unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["Notation", "notations_of"]

UNIT = re.compile(
    r"(?P<before>[$€£¥]?) *(?P<number>[-+−]?[\d.,' \u00a0]*\d[.,]?(?:[eE][-+]?\d+)?) *"
    r"(?P<unit>%|[^\W\d_][^\d,;]{0,11}|[$€£¥°])?"
)
WAYS = [(".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"),
        (".", "\u00a0"), (",", "\u00a0")]  # fmt: skip


@dataclass(frozen=True)
class Notation:
    """How the numbers of a column are written.

    Attributes:
        decimal: what stands before the decimals, a point or a comma.
        thousands: what stands between groups of three digits, or nothing.
        unit: what stands after each number, such as ``%`` or ``kg``, or nothing.
        before: what stands before each number, such as ``$``, or nothing.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    before: str = ""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches a number, without its unit."""
        groups = rf"\d{{1,3}}(?:{re.escape(self.thousands)}\d{{3}})+|" if self.thousands else ""
        point = re.escape(self.decimal)
        return re.compile(
            rf"[-+]?(?:(?:{groups}\d+)(?:{point}\d*)?|{point}\d+)(?:e[-+]?\d+)?"
            "|[-+]?inf(?:inity)?",
            re.IGNORECASE,
        )

    def plain(self, cells: pd.Series[str]) -> pd.Series[str]:
        """Return `cells` as Python writes numbers; what is none becomes ``odd``."""
        if self.before:
            cells = cells.str.removeprefix(self.before).str.lstrip()
        if self.unit:
            cells = cells.str.removesuffix(self.unit).str.rstrip()
        cells = cells.str.replace("−", "-", regex=False)
        cells = cells.where(cells.str.fullmatch(self.pattern), "odd")
        if self.thousands:
            cells = cells.str.replace(self.thousands, "", regex=False)
        if self.decimal != ".":
            cells = cells.str.replace(self.decimal, ".", regex=False)
        return cells

    def __str__(self) -> str:
        said = [f'decimal "{self.decimal}"'] if self.decimal != "." else []
        said += [f'thousands "{self.thousands}"'] if self.thousands else []
        said += [f'unit "{self.unit or self.before}"'] if self.unit or self.before else []
        return ", ".join(said)


def notations_of(cells: Sequence[str], decimal: str | None) -> list[Notation]:
    """Return every notation in which all of `cells` are numbers, the plainest first.

    Two of them may differ in what a number is worth: ``1,200`` is 1200 or 1.2.

    Args:
        decimal: what the user says stands before the decimals.
    """
    if not cells:
        return []
    matches = [UNIT.fullmatch(cell) for cell in cells]
    if not all(matches):
        return [] if not _all_plain(cells) else [Notation()]
    units = {match["unit"] or "" for match in matches if match}
    before = {match["before"] for match in matches if match}
    if len(units) > 1 or len(before) > 1:
        return []
    numbers = [match["number"].strip().replace("−", "-") for match in matches if match]
    found = [
        Notation(point, thousands, units.copy().pop().strip(), before.copy().pop())
        for point, thousands in WAYS
        if decimal in (None, point)
    ]
    found = [each for each in found if all(each.pattern.fullmatch(number) for number in numbers)]
    return _different(found, numbers)


def _all_plain(cells: Sequence[str]) -> bool:
    return all(Notation().pattern.fullmatch(cell) for cell in cells)


def _different(found: list[Notation], numbers: list[str]) -> list[Notation]:
    """Return the first of those that read the same values."""
    values: dict[tuple[str, ...], Notation] = {}
    for each in found:
        read = tuple(
            number.replace(each.thousands, "").replace(each.decimal, ".")
            if each.thousands
            else number.replace(each.decimal, ".")
            for number in numbers
        )
        values.setdefault(read, each)
    return list(values.values())
