"""What is found wrong with the columns of a table, gathered, and said in one message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from minidl_core import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Findings", "Problem", "listed", "quoted", "shortened"]


class Problem(NamedTuple):
    """Why a column cannot be used, and what to do.

    Attributes:
        column: the column, as messages call it.
        row: the position of the first bad row among the rows, from 0; None if it is not about one.
    """

    column: str
    message: str
    row: int | None = None


@dataclass
class Findings:
    """The problems of all columns, which end the reading, and notes, which do not."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, file: str, line_of: Callable[[int], int] | None = None) -> None:
        """Raise one error about all problems, if there are any.

        Args:
            file: what the table is called.
            line_of: returns the line of the file on which a row begins.

        Raises:
            ArgumentError: with the place, the problem and its cure for each column.
        """
        places = [_place(problem, line_of) for problem in self.problems]
        if len(places) == 1:
            raise ArgumentError(self.problems[0].message, where=f"{file}, {places[0]}")
        if places:
            lines = [
                f"  {place}: {problem.message}"
                for place, problem in zip(places, self.problems, strict=True)
            ]
            raise ArgumentError(
                "\n".join([f"{len(lines)} columns cannot be used as they are:", *lines]), where=file
            )


def _place(problem: Problem, line_of: Callable[[int], int] | None) -> str:
    if problem.row is None:
        return problem.column
    line = f"line {line_of(problem.row)}" if line_of else f"row {problem.row} (from 0)"
    return f"{line}, {problem.column}"


def quoted(cell: str) -> str:
    """Return `cell` as messages show it."""
    return f'"{shortened(cell)}"' if cell else "an empty cell"


def shortened(text: str, most: int = 40) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def listed(names: list[str], most: int = 12) -> str:
    """Return the first `most` names, and how many there are if that is not all."""
    return ", ".join(names[:most]) + (f", … ({len(names)})" if len(names) > most else "")
