"""What ``minidl compare --groups`` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from minidl_plugins_experiments.commands.table_formats import echo_rows
from minidl_plugins_experiments.runs.compare import NOTHING, differences, flat, short
from minidl_plugins_experiments.runs.formatting import format_error
from minidl_plugins_experiments.runs.groups import difference, groups_of, quartiles

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from minidl_plugins_experiments.runs.groups import Difference, Group

__all__ = ["compare_groups"]


def compare_groups(folders: Iterable[Path], form: str) -> list[Group]:
    """Print a row for each group: the median test error, its quartiles, and the difference.

    The difference is to the first group, pair by pair of the same seed, with its 95 % bootstrap
    interval.

    Raises:
        MinidlError: a folder has no finished result.
    """
    groups = groups_of(folders)
    configurations = [flat(group.configuration) for group in groups]
    keys = differences(configurations)
    rows = [["group", *keys, "n", "median test error", "quartiles", "difference to the first"]]
    for group, configuration in zip(groups, configurations, strict=True):
        low, median, high = (format_error(value, group.task) for value in quartiles(group))
        apart = difference(group, groups[0]) if group is not groups[0] else None
        lost = sum(not math.isfinite(error) for error in group.errors.values())
        count = f"{len(group.errors)} ({lost} diverged)" if lost else str(len(group.errors))
        rows.append(
            [
                group.name,
                *(short(configuration.get(key, NOTHING)) for key in keys),
                count,
                median,
                f"{low}–{high}" if len(group.errors) > 1 else NOTHING,
                _in_words(apart, group.task),
            ]
        )
    echo_rows(rows, form)
    return groups


def _in_words(apart: Difference | None, task: str) -> str:
    if apart is None:
        return NOTHING
    mean, *interval = (_signed(v, task) for v in (apart.mean, apart.low, apart.high))
    if math.isnan(apart.low):
        return f"{mean} (1 pair)"
    return f"{mean} [{interval[0]}, {interval[1]}] ({apart.pairs} pairs)"


def _signed(value: float, task: str) -> str:
    return f"{value:+.4g}" if task == "regression" else f"{100 * value:+.2f}%"
