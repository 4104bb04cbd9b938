"""A table as text for a terminal, a page, a program or a paper."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

import click

from minidl_core.console import echo_table, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FORMATS", "echo_rows"]

FORMATS = ("table", "markdown", "csv", "latex")
LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--",
}  # fmt: skip


def echo_rows(rows: Sequence[Sequence[str]], form: str) -> None:
    """Print `rows`, the first of which is the header, in one of `FORMATS`."""
    if form == "table":
        echo_table(rows)
        return
    text = {"markdown": _markdown, "csv": _csv, "latex": _latex}[form](rows)
    click.echo(printable(text))


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    cells = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    header, *body = [f"| {' | '.join(row)} |" for row in cells]
    rule = f"|{'|'.join(['---', *['---:'] * (len(rows[0]) - 1)])}|"
    return "\n".join([header, rule, *body])


def _csv(rows: Sequence[Sequence[str]]) -> str:
    stream = StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().rstrip("\n")


def _latex(rows: Sequence[Sequence[str]]) -> str:
    header, *body = [
        " & ".join("".join(LATEX.get(c, c) for c in cell) for cell in row) + r" \\" for row in rows
    ]
    columns = "l" + "r" * (len(rows[0]) - 1)
    begin, end = rf"\begin{{tabular}}{{{columns}}}", r"\end{tabular}"
    return "\n".join([begin, r"\hline", header, r"\hline", *body, r"\hline", end])
