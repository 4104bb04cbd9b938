"""What is learned about each column from the training part, and from that part alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl_plugins_experiments.data.cells import missing_in
from minidl_plugins_experiments.data.encoders import DAY, WEEK, YEAR, Category
from minidl_plugins_experiments.data.findings import Problem, quoted

if TYPE_CHECKING:
    from minidl_plugins_experiments.data.cells import Floats
    from minidl_plugins_experiments.data.encoder import Encoder
    from minidl_plugins_experiments.data.findings import Findings
    from minidl_plugins_experiments.data.kinds import Choices, Kind
    from minidl_plugins_experiments.data.table import Column, Table

    Rows = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["fit_columns", "moments"]


def fit_columns(
    table: Table,
    kinds: list[tuple[Column, Kind]],
    train: Rows,
    choices: Choices,
    findings: Findings,
    *,
    normalise: bool,
    max_categories: int,
) -> list[Encoder]:
    """Return the encoder of each column that has values; `findings` gets what is wrong.

    Args:
        train: the positions of the rows of the training part.
    """
    fitted = [
        _category(table, column, train, sorted(choices.missing), max_categories, findings)
        if kind.kind == "category"
        else _quantity(table, column, kind, train, choices, findings, normalise=normalise)
        for column, kind in kinds
    ]
    return [encoder for encoder in fitted if encoder is not None]


def _quantity(
    table: Table,
    column: Column,
    kind: Kind,
    train: Rows,
    choices: Choices,
    findings: Findings,
    *,
    normalise: bool,
) -> Encoder | None:
    plain = kind.quantity(column.called, choices)
    values, _ = plain.values(table.cells(column))
    shown = values[train]
    present = shown[~np.isnan(shown)]
    if not len(present):
        findings.notes.append(f"{column}: left out, for no row of the training part has a value")
        return None
    mean, std = moments(present)
    if not np.isfinite(std):
        findings.problems.append(
            Problem(
                str(column),
                "expected numbers whose squares can be summed, got ones too large; give the "
                "column another unit",
            )
        )
        return None
    if present.max() == present.min():
        findings.notes.append(f"{column}: the same value in all rows of the training part")
    gaps = int(np.isnan(values).sum())
    if gaps:
        findings.notes.append(
            f"{column}: {gaps} of {len(values)} values are missing; the mean of the training rows "
            "stands for them, and a further input says where"
        )
    fields: dict[str, Any] = {
        "mean": mean if normalise else 0.0,
        "std": std if normalise else 1.0,
        "fill": 0.0 if normalise else mean,
        "indicator": len(present) < len(shown),
    }
    if kind.kind == "date":
        fields["cycles"] = _cycles(present)
        findings.notes.append(f"{column}: dates written as {kind.form}, as days since 1970")
    elif str(kind.notation):
        findings.notes.append(f"{column}: numbers with {kind.notation}")
    return replace(plain, **fields)


def moments(present: Floats) -> tuple[float, float]:
    """Return mean and standard deviation (n − 1); of equal values, the value and 1."""
    if present.max() == present.min():
        return float(present[0]), 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = float(present.mean()), float(present.std(ddof=1))
    return mean, std or 1.0


def _cycles(days: Floats) -> list[float]:
    """Return the cycles that the dates of the training part went through."""
    span = float(days.max() - days.min())
    cycles = [cycle for cycle in (YEAR, WEEK) if span >= cycle]
    return cycles + ([DAY] if bool((days % 1 != 0).any()) else [])


def _category(
    table: Table,
    column: Column,
    train: Rows,
    missing: list[str],
    most: int,
    findings: Findings,
) -> Encoder | None:
    cells = table.cells(column).astype("string")
    gaps = missing_in(cells, frozenset(missing))
    shown = cells.iloc[train][~gaps[train]]
    counts = shown.value_counts()
    if not len(counts):
        findings.notes.append(f"{column}: left out, for no row of the training part has a value")
        return None
    words = sorted(counts.index.tolist())
    if len(words) > max(20, 0.5 * len(shown)):
        findings.problems.append(
            Problem(
                str(column),
                f"expected numbers, dates or categories that occur again, got {len(words)} words "
                f"in {len(shown)} training rows, such as {quoted(words[0])}: an identifier or free "
                f"text; leave it out: drop = [{column.key}]",
            )
        )
        return None
    others = len(words) > most
    if others:
        order = sorted(words, key=lambda word: (-counts[word], word))
        words = sorted(order[:most])
        findings.notes.append(
            f"{column}: {len(order)} categories; the {most} most frequent have an input each, and "
            f"the others one together (max_categories = {most})"
        )
    else:
        findings.notes.append(f"{column}: {len(words)} categories, an input for each")
    if gaps.any():
        findings.notes.append(
            f"{column}: {int(gaps.sum())} of {len(cells)} cells are missing; a further input says "
            "where"
        )
    return Category(column.called, words, others, bool(gaps[train].any()), missing)
