"""A CSV file as columns: of numbers where all cells are numbers, and else of text."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.file_format import (
    SPACES,
    Format,
    delimiter_in,
    encoding_of,
    sample_of,
    split_lines,
)
from minidl_plugins_experiments.data.header import has_header
from minidl_plugins_experiments.data.raw_rows import Row, check_rows, raw_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pandas as pd

__all__ = ["Column", "Table", "named_frame", "read_table"]


@dataclass(frozen=True)
class Column:
    """Where a column stands, from 0, and its name; "" where the file gives none."""

    index: int
    name: str

    def __str__(self) -> str:
        return f'column "{self.name}"' if self.name else f"column {self.index} (from 0)"

    @property
    def key(self) -> str:
        """How a file of the user names it."""
        return f'"{self.name}"' if self.name else str(self.index)

    @property
    def called(self) -> str:
        """Its name, or its place."""
        return self.name or str(self.index)


class Version(NamedTuple):
    """A file at one time. The seeds of a series and their trials all read the same one, once."""

    path: Path
    absolute: Path
    modified: int
    size: int


@dataclass(frozen=True)
class Table:
    """A file's columns and rows.

    Attributes:
        frame: the cells, by the place of the column.
        empty_rows: how many rows without any value were left out.
    """

    path: Path
    form: Format
    columns: list[Column]
    frame: pd.DataFrame = field(repr=False)
    empty_rows: int = 0

    def cells(self, column: Column) -> pd.Series[Any]:
        """Return the cells of one column."""
        return self.frame[column.index]

    def row(self, row: int) -> Row:
        """Return a row as the file has it, by its position among those that are not blank."""
        return next(islice(raw_rows(self.path, self.form), row + self.form.header, None))

    def line_of(self, row: int) -> int:
        """Return the line of the file that a row begins on."""
        return self.row(row).line


def read_table(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    texts: Callable[[list[Column]], Iterable[Column]] = lambda _: (),
) -> Table:
    """Read the file at `path`; what is left out is found out.

    Args:
        encoding: such as ``utf-8``.
        delimiter: what stands between two cells.
        header: whether the first row has the names of the columns.
        texts: picks the columns that stay text even if all cells are numbers.

    Raises:
        ArgumentError: there is no such file, it is not a table, or it has no rows; the error names
            the file and the line.
    """
    stat = _checked(path).stat()
    version = Version(path, path.absolute(), stat.st_mtime_ns, stat.st_size)
    form, first = _form(version, encoding, delimiter, header)
    names = [cell if form.header else "" for cell in first]
    columns = [Column(index, name) for index, name in enumerate(names)]
    as_text = tuple(sorted(column.index for column in texts(columns)))
    frame, empty = _frame(version, form, tuple(names), as_text)
    if not len(frame):
        raise ArgumentError("expected rows, got a header only; fill the table", where=str(path))
    return Table(path, form, columns, frame, empty)


def named_frame(table: Table) -> pd.DataFrame:
    """Return the cells with what their columns are called."""
    return table.frame.set_axis([column.called for column in table.columns], axis=1)


def _checked(path: Path) -> Path:
    if path.exists() and not path.is_file():
        raise ArgumentError(
            f"expected a CSV file, got a {'folder' if path.is_dir() else 'device'}; name the file "
            "itself",
            where=str(path),
        )
    try:
        with path.open("rb"):
            return path
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


@lru_cache(maxsize=1)
def _form(
    version: Version, encoding: str | None, delimiter: str | None, header: bool | None
) -> tuple[Format, list[str]]:
    """Return how the file is written, and its first row."""
    path = version.path
    encoding, stray = encoding_of(path, encoding)
    sample = sample_of(path, encoding)
    if delimiter is None:
        delimiter = delimiter_in(sample)
    elif delimiter == " ":
        delimiter = SPACES
    rows = split_lines(sample, delimiter)
    if not rows:
        raise ArgumentError("expected a table, got an empty file; fill it", where=str(path))
    first = next(raw_rows(path, Format(encoding, delimiter, header=True)))
    where = f"{path}, line {first.line}"
    if len(first.cells) == 1:
        raise ArgumentError(
            "expected several cells in a row, got one cell only; a table has at least a feature "
            "and a target; name another delimiter if something else stands between them",
            where=where,
        )
    if header is None:
        header = has_header(rows, where)
    named_anyway = not header and _looks_named(rows)
    return Format(encoding, delimiter, header, stray, named_anyway), first.cells


def _looks_named(rows: list[list[str]]) -> bool:
    try:
        return has_header(rows, "")
    except ArgumentError:
        return False


@lru_cache(maxsize=1)
def _frame(
    version: Version, form: Format, names: tuple[str, ...], texts: tuple[int, ...]
) -> tuple[pd.DataFrame, int]:
    """Return the cells by the place of their column, and how many empty rows were left out."""
    import pandas as pd

    path = version.path

    if form.stray_quotes:
        check_rows(path, form, list(names))
    # Rows without values above the first one, which pandas would take for the names.
    options: dict[str, Any] = {"skiprows": next(raw_rows(path, form)).line - 1}
    if pd.__version__.startswith("2."):
        options["float_precision"] = "round_trip"  # the default of later versions
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                sep=form.delimiter,
                header=0 if form.header else None,
                names=range(len(names)),
                dtype=dict.fromkeys(texts, "str"),
                encoding=form.encoding,
                keep_default_na=False,
                na_values=[""],
                skipinitialspace=True,
                index_col=False,
                low_memory=False,
                **options,
            )
    except (
        pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, ValueError,
    ) as error:  # fmt: skip
        check_rows(path, form, list(names))
        raise ArgumentError(
            f"expected a table, got one that cannot be read ({str(error).strip()}); remove rows "
            "without values that have another number of cells",
            where=str(path),
        ) from error
    for index in frame.columns:
        if frame[index].dtype.kind not in "biuf":
            frame[index] = frame[index].astype("string").str.strip().replace("", None)
    empty = frame.isna().all(axis=1)
    if frame.iloc[:, -1].isna().any():  # a short row is read as one whose last cells are missing
        check_rows(path, form, list(names))
    if empty.any():
        frame = frame[~empty].reset_index(drop=True)
    return frame, int(empty.sum())
