"""New rows, however they come, as a data frame with the columns that a transform needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError, suggest
from minidl_plugins_experiments.data.findings import listed
from minidl_plugins_experiments.data.table import read_table

if TYPE_CHECKING:
    import pandas as pd

    from minidl_plugins_experiments.data.findings import Findings
    from minidl_plugins_experiments.data.transform import Transform

__all__ = ["rows_of"]


def rows_of(
    rows: Any, transform: Transform, findings: Findings
) -> tuple[pd.DataFrame, Callable[[int], int] | None]:
    """Return `rows` as a data frame, and what gives the line of the file that a row begins on.

    Args:
        rows: the path of a CSV file, a data frame, a list of dicts, a dict of columns, or an
            array or tensor (n, columns).

    Raises:
        ArgumentError: it is none of these, it has no rows, or a column is missing.
    """
    if isinstance(rows, (str, Path)):
        return _from_file(Path(rows), transform, findings)
    frame = _frame(rows, transform)
    _check(frame, transform, "the rows", findings)
    return frame, None


def _from_file(
    path: Path, transform: Transform, findings: Findings
) -> tuple[pd.DataFrame, Callable[[int], int]]:
    import pandas as pd

    table = read_table(path, delimiter=",", header=transform.named)
    cells = [row.cells for row in table.rows]
    names = (
        [column.name for column in table.columns]
        if transform.named
        else _names_by_place(len(table.columns), transform)
    )
    frame = pd.DataFrame(cells, columns=names, dtype="str")
    _check(frame, transform, str(path), findings)
    return frame, lambda row: table.rows[row].line


def _names_by_place(count: int, transform: Transform) -> list[str]:
    """Return the names of the columns of a file without names. It may lack the target."""
    names = list(transform.table)
    without = [name for name in names if name != transform.target.name]
    return without if count == len(without) else [*names, *map(str, range(len(names), count))]


def _frame(rows: Any, transform: Transform) -> pd.DataFrame:
    import pandas as pd

    if isinstance(rows, pd.DataFrame):
        return rows.rename(columns=str)
    if hasattr(rows, "to_pandas"):
        return _frame(rows.to_pandas(), transform)
    if isinstance(rows, Mapping):
        try:
            return pd.DataFrame(dict(rows)).rename(columns=str)
        except ValueError as error:
            raise ArgumentError(
                f"expected a column of values for each name, got: {error}; give several rows as "
                "lists of equal length, or one as [{name: value, …}]",
                where="rows",
            ) from error
    if isinstance(rows, Sequence) and rows and all(isinstance(row, Mapping) for row in rows):
        return pd.DataFrame.from_records([dict(row) for row in rows]).rename(columns=str)
    shape = getattr(rows, "shape", None)
    if shape is None and isinstance(rows, Sequence) and rows:
        import numpy as np

        try:
            rows = np.asarray(rows)
        except ValueError:
            rows = None
        shape = getattr(rows, "shape", None)
    names = [column.name for column in transform.columns]
    if shape is not None and len(shape) == 2 and shape[1] == len(names):
        return pd.DataFrame(getattr(rows, "numpy", lambda: rows)(), columns=names)
    got = f"an array {tuple(shape)}" if shape else type(rows).__name__
    raise ArgumentError(
        f"expected rows of {len(names)} columns ({listed(names)}), got {got}; give the path of a "
        "CSV file, a data frame, a list of dicts, a dict of columns, or an array (n, "
        f"{len(names)})",
        where="rows",
    )


def _check(frame: pd.DataFrame, transform: Transform, file: str, findings: Findings) -> None:
    """Every column that is needed is there once; say which ones are not used."""
    found, needed = list(frame.columns), [column.name for column in transform.columns]
    if not len(frame):
        raise ArgumentError("expected rows, got none; fill the table", where=file)
    missing = [name for name in needed if name not in found]
    if missing:
        hint = suggest(missing[0], [name for name in found if name not in needed])
        raise ArgumentError(
            f"expected the columns that the run was trained on, but {listed(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing.{hint} The table has "
            f"{listed(found)}; add or rename what is missing",
            where=file,
        )
    twice = [name for name in needed if found.count(name) > 1]
    if twice:
        raise ArgumentError(
            f'expected one column "{twice[0]}", got {found.count(twice[0])}; rename or remove '
            "the others",
            where=file,
        )
    known = {*needed, *transform.table, transform.target.name}
    unknown = [name for name in found if name not in known]
    if unknown:
        findings.notes.append(f"not used, for training had none of that name: {listed(unknown)}")
