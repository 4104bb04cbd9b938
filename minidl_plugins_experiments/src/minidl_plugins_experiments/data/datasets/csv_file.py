"""A table of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.arguments import check_flag, check_share
from minidl_plugins_experiments.data.columns import (
    check_names,
    classes,
    find_column,
    numbers,
)
from minidl_plugins_experiments.data.data import Data, Split
from minidl_plugins_experiments.data.encoders import Number
from minidl_plugins_experiments.data.splitting import Parts, split_by_class, split_rows
from minidl_plugins_experiments.data.standardising import Standard, standard_of
from minidl_plugins_experiments.data.table import read_table
from minidl_plugins_experiments.data.targets import Classes, Quantity
from minidl_plugins_experiments.data.transform import Transform

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_experiments.data.table import Column, Table
    from minidl_plugins_experiments.data.targets import Target

__all__ = ["csv"]

TASKS = ("classification", "regression")


def csv(
    *,
    generator: torch.Generator,
    dtype: torch.dtype,
    path: str | Path,
    target: str | int,
    task: Literal["classification", "regression"] = "classification",
    test: float = 0.2,
    validation: float = 0.0,
    normalise: bool = True,
    drop: Sequence[str | int] = (),
    delimiter: str = ",",
    header: bool = True,
) -> Data:
    """The rows of a CSV file: every column but the target is a feature.

    The rows are dealt out by lot, to a part for training, one for testing and, if wanted, one for
    validation; in a classification each class is dealt out in these shares by itself. With the
    mean μ and the standard deviation σ (n − 1) that the *training part alone* has, each feature
    becomes (x − μ) / σ in every part; one that is constant there becomes x − μ.

    Targets of a classification are one-hot, a column for each class, the classes sorted (as numbers
    if all are). The target of a regression is normalised like a feature, so that a mean squared
    error of 1 is that of always guessing the mean; its μ and σ are in the notes.

    Shapes: x (n, features); y (n, classes) or (n, 1).

    Args:
        path: the file: UTF-8, its names in the first row; blank lines are skipped.
        target: the column to predict, by name or by place: 0 the first, −1 the last.
        test, validation: the share of the rows in each part; no part is left without a row.
        normalise: false to take features and the target of a regression as they are.
        drop: columns to leave out, by name or place: an identifier, a text.
        delimiter: what stands between two cells.
        header: false where the first row is data already.

    Raises:
        ArgumentError: an argument, the file, a column or a cell is not what it has to be; it names
            the file, the line and the column.
    """
    _check_arguments(path, task, test, validation, drop, delimiter)
    check_flag("normalise", normalise)
    check_flag("header", header)
    table = read_table(Path(path), delimiter=delimiter, header=header)
    goal = find_column(table, target, "target")
    features = _features(table, goal, drop, header)

    x = torch.stack([numbers(table, column) for column in features], 1)
    where = f"{table.path}, {goal}"
    notes: dict[str, Any] = {
        "file": str(table.path),
        "rows": len(table.rows),
        "target": _name(goal),
        "features": [_name(column) for column in features],
    }
    if task == "classification":
        labels, notes["classes"] = classes(table, goal)
        y = torch.eye(len(notes["classes"]), dtype=torch.float64)[labels]
        parts = split_by_class(labels, notes["classes"], test, validation, generator, where)
    else:
        y = numbers(table, goal, target=True)[:, None]
        parts = split_rows(len(y), test, validation, generator, where)
    if normalise:
        x, notes["mean"], notes["std"] = _normalised(x, parts, table, features)
        if task == "regression":
            y, (notes["target_mean"],), (notes["target_std"],) = _normalised(
                y, parts, table, [goal]
            )
    notes["transform"] = _transform(notes, table, header).tree()
    x, y = x.to(dtype), y.to(dtype)
    _check_finite(torch.cat([x, y], 1), table, [*features, goal])
    return Data(
        train=Split(x[parts.train], y[parts.train]),
        test=Split(x[parts.test], y[parts.test]),
        task=task,
        validation=Split(x[parts.validation], y[parts.validation]) if validation else None,
        notes=notes,
    )


def _check_arguments(
    path: object, task: object, test: float, validation: float, drop: object, delimiter: object
) -> None:
    if not isinstance(path, (str, Path)) or path == "" or "\0" in str(path):
        raise ArgumentError(
            f'expected the path of a file, got {path!r}; write path = "table.csv"', where="path"
        )
    if task not in TASKS:
        raise ArgumentError(
            f'expected "classification" or "regression", got {task!r}; take the second if the '
            "target is a quantity",
            where="task",
        )
    check_share("test", test)
    check_share("validation", validation, may_be_zero=True)
    if test + validation >= 1:
        raise ArgumentError(
            f"expected test and validation to leave rows for training, got {test} + {validation}; "
            "make their sum less than 1",
            where="test",
        )
    if isinstance(drop, str) or not isinstance(drop, Sequence):
        raise ArgumentError(
            f'expected a list of columns, got {drop!r}; write drop = ["name", 3]', where="drop"
        )
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n \0':
        raise ArgumentError(
            f'expected one character, got {delimiter!r}; write ",", ";" or "\\t"',
            where="delimiter",
        )


def _features(table: Table, goal: Column, drop: Sequence[str | int], header: bool) -> list[Column]:
    """Every column that is neither the target nor dropped."""
    dropped = [find_column(table, key, "drop") for key in drop]
    if goal in dropped:
        raise ArgumentError(
            f"expected the target to be kept, got {goal} in drop too; take it out of there",
            where=f"{table.path}, drop",
        )
    kept = [column for column in table.columns if column not in dropped]
    check_names(table, kept, header)
    features = [column for column in kept if column != goal]
    if not features:
        raise ArgumentError(
            f"expected at least one feature, got only the target, {goal}; drop fewer columns",
            where=str(table.path),
        )
    if not table.rows:
        raise ArgumentError(
            "expected rows, got a header only; fill the table", where=str(table.path)
        )
    return features


def _transform(notes: dict[str, Any], table: Table, header: bool) -> Transform:
    names = notes["features"]
    mean, std = notes.get("mean", [0.0] * len(names)), notes.get("std", [1.0] * len(names))
    if "classes" in notes:
        target: Target = Classes(notes["target"], notes["classes"])
    else:
        scale = notes.get("target_mean", 0.0), notes.get("target_std", 1.0)
        target = Quantity([notes["target"]], [scale[0]], [scale[1]])
    columns = list(map(Number, names, mean, std))
    return Transform(columns, target, [_name(column) for column in table.columns], header)


def _name(column: Column) -> str:
    return column.name or str(column.index)


def _normalised(
    x: Tensor, parts: Parts, table: Table, columns: list[Column]
) -> tuple[Tensor, list[float], list[float]]:
    standard: Standard = standard_of(x[parts.train])
    for column, std in zip(columns, standard.std.tolist(), strict=True):
        if not std < float("inf"):
            raise ArgumentError(
                "expected numbers whose squares can be summed, got ones too large; give the "
                "column another unit",
                where=f"{table.path}, {column}",
            )
    return standard.apply(x), standard.mean.tolist(), standard.std.tolist()


def _check_finite(values: Tensor, table: Table, columns: list[Column]) -> None:
    """Every value can be held in the dtype of the experiment."""
    bad = (~values.isfinite()).nonzero()
    if len(bad):
        row, column = bad[0].tolist()
        raise ArgumentError(
            f"expected numbers that fit into {values.dtype}, got one that overflows; give the "
            "column another unit, or take another dtype",
            where=table.place(table.rows[row], columns[column]),
        )
