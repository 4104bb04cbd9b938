"""What ``minidl run --sweep`` prints."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

import click

from minidl_core.console import echo_table, printable
from minidl_plugins_experiments.runs.formatting import format_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from minidl_plugins_experiments.session import Session

__all__ = ["print_sweep"]

COLUMNS = ("validation_error", "test_error", "train_error")


def print_sweep(session: Session, folder: Path, summary: dict[str, Any]) -> None:
    """Print a row for each setting, the best first, and what to do next."""
    if not session.is_main_process:
        return
    if session.options.quiet:
        click.echo(printable(str(folder)))
        return

    def in_words(error: float | None) -> str:
        return format_error(error, summary["task"])

    keys, settings, by = list(summary["sweep"]), summary["settings"], summary["by"]
    columns = [name for name in COLUMNS if name in settings[0]]
    titles = [by, *columns]
    rows = [[*keys, *(title.replace("_", " ") for title in titles)]]
    for setting in settings:
        row = [str(setting["values"][key]) for key in keys]
        row.append(_spread(setting[by], _number))
        row += [_spread(setting[name], in_words) for name in columns]
        rows.append(row)
    echo_table(rows)
    best = settings[0]
    several = len(best[by]) > 1
    click.echo(
        f"sorted by {by.replace('_', ' ')}"
        + (", the median over the restarts (with the best and the worst)" if several else "")
    )
    for reason in filter(None, dict.fromkeys(summary["reasons"])):
        click.echo(printable(f"one after another, for a stack is not possible: {reason}"))
    click.echo(f"training time: {sum(summary['training_seconds']):.2f} s")
    for figure in summary.get("figures", []):
        click.echo(printable(f"figure: {folder / figure}"))
    click.echo(printable(f"run: {folder}"))
    words = " ".join(f"--set {key}={value}" for key, value in best["values"].items())
    click.echo(printable(f"next: train with the best values: {words}"))


def _spread(values: Sequence[float | None], form: Callable[[float | None], str]) -> str:
    """Return the only value, or the median with best and worst. What diverged is the worst."""
    ranked = sorted(math.inf if value is None else value for value in values)
    if len(ranked) == 1:
        return form(values[0])
    return f"{form(statistics.median(ranked))} ({form(ranked[0])}–{form(ranked[-1])})"


def _number(value: float | None) -> str:
    return "diverged" if value is None or not math.isfinite(value) else f"{value:.4f}"
