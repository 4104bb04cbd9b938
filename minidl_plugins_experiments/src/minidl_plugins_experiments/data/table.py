"""A CSV file as cells of text, each with the place it came from."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from minidl_core import ArgumentError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Column", "Row", "Table", "read_table"]

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


@dataclass(frozen=True)
class Row:
    """The cells of one row, without the spaces around them, and the line where it begins."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Column:
    """Where a column stands, from 0, and its name; "" where the file gives none."""

    index: int
    name: str

    def __str__(self) -> str:
        return f'column "{self.name}"' if self.name else f"column {self.index} (from 0)"


@dataclass(frozen=True)
class Table:
    """A file's columns and rows; each row has as many cells as there are columns."""

    path: Path
    columns: list[Column]
    rows: list[Row]

    def place(self, row: Row, column: Column) -> str:
        """Where a cell is: ``wine.csv, line 3, column "hue"``."""
        return f"{self.path}, line {row.line}, {column}"


def read_table(path: Path, *, delimiter: str, header: bool) -> Table:
    """Read the file at `path`: UTF-8, fields as in RFC 4180, blank lines left out.

    Args:
        delimiter: what stands between two cells.
        header: whether the first row has the names of the columns.

    Raises:
        ArgumentError: there is no such file, it is not UTF-8 or not a table, or it has no rows;
            the error names the file and the line.
    """
    rows = _rows(path, _text(path, delimiter), delimiter)
    if not rows:
        raise ArgumentError("expected a table, got an empty file; fill it", where=str(path))
    first = rows[0]
    names = first.cells if header else [""] * len(first.cells)
    body = rows[1:] if header else rows
    _check_header(path, first, delimiter, header)
    for row in body:
        if len(row.cells) != len(first.cells):
            beside = "the header" if header else "the first row"
            raise ArgumentError(
                f"expected {len(first.cells)} cells, as in {beside}, got {len(row.cells)}; "
                f"{_ragged_cure(row, len(first.cells))}",
                where=f"{path}, line {row.line}, {_ragged_column(row, names)}",
            )
    return Table(path, [Column(index, name) for index, name in enumerate(names)], body)


def _text(path: Path, delimiter: str) -> str:
    raw = _bytes(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad = error.object[error.start]
        before = error.object[: error.start]  # without the mark that utf-8-sig takes off
        line = before.count(b"\n") + 1
        start_of_line = before[before.rfind(b"\n") + 1 :].decode("utf-8")
        column = start_of_line.count(delimiter)
        cure = "it may be Latin-1 or Windows-1252; save it as UTF-8, which every spreadsheet offers"
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            cure = "it is UTF-16; save it as UTF-8, which every spreadsheet offers"
        raise ArgumentError(
            f"expected UTF-8, got the byte 0x{bad:02x}; {cure}",
            where=f"{path}, line {line}, column {column} (from 0)",
        ) from error


def _bytes(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise ArgumentError(
            f"expected a CSV file, got a {'folder' if path.is_dir() else 'device'}; name the file "
            "itself",
            where=str(path),
        )
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ArgumentError(
            f"expected a CSV file, but there is none of that name in {path.absolute().parent}; "
            "check the path and the folder that it starts from",
            where=str(path),
        ) from error
    except OSError as error:
        raise ArgumentError(
            f"expected a CSV file that can be read, got: {error.strerror}; check its permissions",
            where=str(path),
        ) from error


def _rows(path: Path, text: str, delimiter: str) -> list[Row]:
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ArgumentError(
            "expected text, got a null character; this is not a CSV file, or it is damaged: "
            "export it again",
            where=f"{path}, line {line}",
        )
    lines = StringIO(text, newline="")  # which leaves a line break inside a cell as it is
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if len(stripped) > 1 or any(stripped):
                rows.append(Row(line, stripped))
            line = reader.line_num + 1
    except csv.Error as error:
        raise ArgumentError(
            f"expected a row of cells, got one that cannot be read ({error}); close every quote "
            'that opens, and write a quote inside a cell twice: ""',
            where=f"{path}, line {line}",
        ) from error
    return rows


def _check_header(path: Path, first: Row, delimiter: str, header: bool) -> None:
    """The first row has several cells and, if it is a header, names."""
    where = f"{path}, line {first.line}"
    if len(first.cells) == 1:
        others = [
            f'delimiter = "{other}"'.replace("\t", "\\t")
            for other in DELIMITERS
            if other != delimiter and other in first.cells[0]
        ]
        cure = f"write {others[0]}" if others else "a table has at least a feature and a target"
        raise ArgumentError(
            f"expected cells with {DELIMITERS.get(delimiter, repr(delimiter))} between them, got "
            f"one cell only; {cure}",
            where=where,
        )
    if header and all(map(_looks_like_a_number, first.cells)):
        raise ArgumentError(
            f"expected the names of the columns, got numbers: {', '.join(first.cells[:3])}, …; "
            "write header = false if the file has no names",
            where=where,
        )


def _looks_like_a_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _ragged_cure(row: Row, expected: int) -> str:
    if len(row.cells) > expected:
        return "put quotes around a cell that has the delimiter in it, or remove the extra cells"
    return "add the missing cells, or remove the line"


def _ragged_column(row: Row, names: list[str]) -> Column:
    """The first column that is missing, or the first that is too many."""
    index = min(len(row.cells), len(names))
    return Column(index, names[index] if index < len(names) else "")
