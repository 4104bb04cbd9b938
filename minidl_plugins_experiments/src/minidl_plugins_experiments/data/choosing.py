"""A table with what its user says of it: which columns are used, and how they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.columns import check_names, find_column
from minidl_plugins_experiments.data.kinds import Choices
from minidl_plugins_experiments.data.left_out import why_left_out
from minidl_plugins_experiments.data.table import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from minidl_plugins_experiments.data.findings import Findings
    from minidl_plugins_experiments.data.table import Column, Table

__all__ = ["features_of", "read_with_choices"]


def read_with_choices(
    path: Path,
    target: str | int,
    task: str,
    *,
    encoding: str | None,
    delimiter: str | None,
    header: bool | None,
    decimal: str | None,
    missing: Sequence[str],
    categories: Sequence[str | int],
    dates: Mapping[str, str],
) -> tuple[Table, Choices]:
    """Return the table, and what the user says of its columns by their places."""

    def as_text(columns: list[Column]) -> list[Column]:
        """Return the columns whose cells are words, even where they are digits."""
        words = [find_column(path, columns, key, "categories") for key in categories]
        words += [find_column(path, columns, key, "dates") for key in dates]
        if task == "classification":
            words.append(find_column(path, columns, target, "target"))
        return columns if decimal == "," else words

    table = read_table(path, encoding=encoding, delimiter=delimiter, header=header, texts=as_text)

    def place(key: str | int, argument: str) -> int:
        return find_column(path, table.columns, key, argument).index

    return table, Choices(
        decimal,
        frozenset(str(word).strip().lower() for word in missing),
        frozenset(place(key, "categories") for key in categories),
        {place(key, "dates"): form for key, form in dates.items()},
    )


def features_of(
    table: Table, goal: Column, drop: Sequence[str | int], findings: Findings
) -> list[Column]:
    """Return every column that is neither the target nor left out."""
    path = table.path
    dropped = [find_column(path, table.columns, key, "drop") for key in drop]
    if goal in dropped:
        raise ArgumentError(
            f"expected the target to be kept, got {goal} in drop too; take it out of there",
            where=f"{path}, drop",
        )
    kept = []
    for column in table.columns:
        reason = None if column in (goal, *dropped) else why_left_out(table, column)
        if reason is not None:
            findings.notes.append(f"{column}: {reason}")
        elif column not in dropped:
            kept.append(column)
    check_names(path, kept, table.form.header)
    features = [column for column in kept if column != goal]
    if not features:
        raise ArgumentError(
            f"expected at least one feature, got only the target, {goal}; drop fewer columns",
            where=str(path),
        )
    return features
