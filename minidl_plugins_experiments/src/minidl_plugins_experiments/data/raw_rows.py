"""The rows of a file one by one, with their lines: slow, strict, and asked where a mistake is."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.file_format import SPACES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from minidl_plugins_experiments.data.file_format import Format

__all__ = ["Row", "check_rows", "raw_rows"]


class Row(NamedTuple):
    """The cells of one row, without the spaces around them, and the line where it begins."""

    line: int
    cells: list[str]


def raw_rows(path: Path, form: Format) -> Iterator[Row]:
    """Yield every row that is not blank, the one with the names included.

    Raises:
        ArgumentError: a quote is not closed, or stands inside a cell.
    """
    spaces = form.delimiter == SPACES
    with path.open(encoding=form.encoding, newline="") as stream:
        lines = (line.strip().replace("\t", " ") for line in stream) if spaces else stream
        reader = csv.reader(
            lines, delimiter=" " if spaces else form.delimiter, skipinitialspace=True, strict=True
        )
        line = 1
        try:
            for row in reader:
                cells = [cell.strip() for cell in row]
                if any(cells):
                    yield Row(line, cells)
                line = reader.line_num + 1
        except csv.Error as error:
            raise ArgumentError(
                f"expected a row of cells, got one that cannot be read ({error}); close every "
                'quote that opens, and write a quote inside a cell twice: ""',
                where=f"{path}, line {line}",
            ) from error


def check_rows(path: Path, form: Format, names: list[str]) -> None:
    """Read the whole file strictly.

    Raises:
        ArgumentError: a row is longer or shorter than the first, or cannot be read.
    """
    count = len(names)
    for row in raw_rows(path, form):
        if len(row.cells) == count:
            continue
        beside = "the header" if form.header else "the first row"
        index = min(len(row.cells), count)
        name = names[index] if index < count and form.header else ""
        column = f'column "{name}"' if name else f"column {index} (from 0)"
        cure = (
            "put quotes around a cell that has the delimiter in it, or remove the extra cells"
            if len(row.cells) > count
            else "add the missing cells, or remove the line"
        )
        raise ArgumentError(
            f"expected {count} cells, as in {beside}, got {len(row.cells)}; {cure}",
            where=f"{path}, line {row.line}, {column}",
        )
