"""Columns of a table: which one is meant, and whether their names differ."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.findings import listed

if TYPE_CHECKING:
    from pathlib import Path

    from minidl_plugins_experiments.data.table import Column

__all__ = ["check_names", "find_column"]


def find_column(path: Path, columns: list[Column], key: object, argument: str) -> Column:
    """The one of `columns` that `key` means: its name, or its place from 0 (from −1 backwards).

    Args:
        argument: what the user calls it, for the message.

    Raises:
        ArgumentError: there is no such column, or more than one of that name.
    """
    count = len(columns)
    if isinstance(key, int) and not isinstance(key, bool):
        if -count <= key < count:
            return columns[key]
        raise ArgumentError(
            f"expected the place of a column, 0 to {count - 1} (or −1 for the last), got {key}; "
            f"the file has {count} columns",
            where=f"{path}, {argument}",
        )
    if not isinstance(key, str):
        raise ArgumentError(
            f"expected the name of a column or its place, got {key!r}; write "
            f'{argument} = "name", or -1 for the last',
            where=f"{path}, {argument}",
        )
    found = [column for column in columns if column.name and column.name == key.strip()]
    if len(found) == 1:
        return found[0]
    if found:
        places = " and ".join(str(column.index) for column in found)
        raise ArgumentError(
            f'expected one column "{key}", got {len(found)}, at {places} (from 0); rename one, or '
            "give the place",
            where=f"{path}, {argument}",
        )
    names = [column.name for column in columns if column.name]
    if not names:
        cure = "the file has no names (header = false): give its place, -1 for the last"
    else:
        close = get_close_matches(key, names, n=1, cutoff=0.6)
        cure = f'did you mean "{close[0]}"? ' if close else ""
        cure += f"The columns are {listed(names)}" if close else f"the columns are {listed(names)}"
    raise ArgumentError(
        f'expected a column "{key}", but there is none; {cure}', where=f"{path}, {argument}"
    )


def check_names(path: Path, columns: list[Column], header: bool) -> None:
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
                where=f"{path}, header, {column}",
            )
        if column.name in seen:
            raise ArgumentError(
                f"expected names that differ, got the same at {seen[column.name].index} and "
                f"{column.index} (from 0); rename one, or leave it out: drop = [{column.index}]",
                where=f"{path}, header, {column}",
            )
        seen[column.name] = column
