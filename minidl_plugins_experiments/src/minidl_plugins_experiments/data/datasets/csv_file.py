"""A table of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.choosing import features_of, read_with_choices
from minidl_plugins_experiments.data.columns import find_column
from minidl_plugins_experiments.data.csv_arguments import check_arguments
from minidl_plugins_experiments.data.data import Data, Split
from minidl_plugins_experiments.data.findings import Findings
from minidl_plugins_experiments.data.fitting import fit_columns
from minidl_plugins_experiments.data.kinds import kinds_of_columns
from minidl_plugins_experiments.data.table import named_frame
from minidl_plugins_experiments.data.target_column import class_target, quantity_target
from minidl_plugins_experiments.data.targets import Classes, Quantity
from minidl_plugins_experiments.data.transform import Transform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from torch import Tensor

    from minidl_plugins_experiments.data.encoder import Encoder
    from minidl_plugins_experiments.data.table import Column, Table
    from minidl_plugins_experiments.data.targets import Target

__all__ = ["csv"]


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
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    missing: Sequence[str] = (),
    categories: Sequence[str | int] = (),
    dates: Mapping[str, str] = {},
    max_categories: int = 100,
) -> Data:
    """The rows of a CSV file: every column but the target is a feature.

    The rows are dealt out by lot, to a part for training, one for testing and, if wanted, one for
    validation; in a classification each class is dealt out in these shares by itself. All that is
    learned about a column is learned from the *training part alone*:

    - a number becomes (x − μ) / σ with the mean μ and the standard deviation σ (n − 1); one that is
      constant there becomes x − μ. A missing one becomes 0, and a further input is 1 there;
    - a word for yes or no becomes 1 or 0, and then as a number does;
    - any other word becomes an input for each word of its column: 1 for its own, 0 elsewhere;
    - a date becomes its days since 1970, as a number, and points on the circle of the year, of the
      week and, if there are times, of the day.

    Targets of a classification are one-hot, a column for each class, the classes sorted (as numbers
    if all are). The target of a regression is normalised like a feature, so that a mean squared
    error of 1 is that of always guessing the mean; its μ and σ are in the notes.

    Shapes: x (n, features); y (n, classes) or (n, 1).

    Args:
        path: the file; blank lines are skipped.
        target: the column to predict, by name or by place: 0 the first, −1 the last.
        test, validation: the share of the rows in each part; no part is left without a row.
        normalise: false to take features and the target of a regression as they are.
        drop: columns to leave out, by name or place: an identifier, a text.
        delimiter: what stands between two cells; " " for any number of spaces.
        header: false where the first row is data already.
        encoding: such as "utf-8" or "cp1252".
        decimal: "." or ",", what stands before the decimals.
        missing: further words for a missing value, beside an empty cell, NA, NaN, ? and their like.
        categories: columns of words even where they look like numbers, such as postcodes.
        dates: how the dates of a column are written, by its name: { day = "%d.%m.%Y" }.
        max_categories: of a column with more words, the most frequent have an input each, and the
            others one together.

    What is left out of `delimiter`, `header`, `encoding`, `decimal` and `dates` is found out, and
    told in the notes.

    Raises:
        ArgumentError: an argument, the file, a column or a cell is not what it has to be; it names
            the file, the line and the column, of all columns at once.
    """
    check_arguments(
        path=path, task=task, test=test, validation=validation, normalise=normalise, drop=drop,
        delimiter=delimiter, header=header, encoding=encoding, decimal=decimal, missing=missing,
        categories=categories, dates=dates, max_categories=max_categories,
    )  # fmt: skip
    table, choices = read_with_choices(
        Path(path), target, task, encoding=encoding, delimiter=delimiter, header=header,
        decimal=decimal, missing=missing, categories=categories, dates=dates,
    )  # fmt: skip
    goal = find_column(table.path, table.columns, target, "target")
    findings = Findings()
    features = features_of(table, goal, drop, findings)
    kinds = kinds_of_columns(table, features, choices, findings)
    meaning: Target
    if task == "classification":
        y, parts, meaning = class_target(table, goal, findings, test, validation, generator)
    else:
        y, parts, meaning = quantity_target(
            table, goal, choices, findings, test, validation, generator, normalise=normalise
        )
    encoders = fit_columns(
        table, kinds, parts.train.numpy(), choices, findings,
        normalise=normalise, max_categories=max_categories,
    )  # fmt: skip
    findings.refuse(str(path), table.line_of)
    if not encoders:
        raise ArgumentError(
            f"expected at least one feature, got only the target, {goal}; "
            f"{'; '.join(findings.notes) or 'drop fewer columns'}",
            where=str(path),
        )

    def encoded(columns: Sequence[Encoder], notes: Sequence[str]) -> Data:
        told = Findings(notes=list(notes))
        transform = Transform(
            columns, meaning, [column.called for column in table.columns], table.form.header
        )
        x = transform.apply(named_frame(table), told)
        told.refuse(str(path), table.line_of)
        x = _rounded(x, dtype, table, transform)
        return Data(
            train=Split(x[parts.train], y[parts.train]),
            test=Split(x[parts.test], y[parts.test]),
            task=task,
            validation=Split(x[parts.validation], y[parts.validation]) if validation else None,
            notes=_notes(table, goal, transform, told, normalise=normalise),
            encoded=encoded,
        )

    y = y.to(dtype)
    return encoded(encoders, findings.notes)


def _rounded(x: Tensor, dtype: torch.dtype, table: Table, transform: Transform) -> Tensor:
    """Return `x` in the dtype of the experiment, in which every value is finite."""
    x = x.to(dtype)
    bad = (~x.isfinite()).nonzero()
    if len(bad):
        row, place = bad[0].tolist()
        raise ArgumentError(
            f"expected numbers that fit into {dtype}, got one that overflows; give the column "
            "another unit, or take another dtype",
            where=f'{table.path}, line {table.line_of(row)}, column "{transform.inputs[place]}"',
        )
    return x


def _notes(
    table: Table, goal: Column, transform: Transform, findings: Findings, *, normalise: bool
) -> dict[str, Any]:
    """Return what is worth knowing about the data, ready for JSON."""
    target, told = transform.target, [f"read as {table.form}", *findings.notes]
    if table.empty_rows:
        told.append(f"{table.empty_rows} rows without any value were left out")
    notes: dict[str, Any] = {
        "file": str(table.path),
        "rows": len(table.frame),
        "target": goal.called,
        "features": transform.inputs,
    }
    if isinstance(target, Classes):
        notes["classes"] = target.classes
    if normalise:
        notes["mean"], notes["std"] = transform.moments
        if isinstance(target, Quantity):
            (notes["target_mean"],), (notes["target_std"],) = target.mean, target.std
    return {**notes, "told": told, "transform": transform.tree()}
