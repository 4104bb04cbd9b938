"""What ``minidl run`` prints."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any

import click

from minidl_core.console import printable
from minidl_plugins_experiments.config.data_checks import rows_as_text
from minidl_plugins_experiments.runs.formatting import format_error
from minidl_plugins_experiments.runs.unit_warnings import describe_dead

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from minidl_plugins_experiments.session import Session
    from minidl_plugins_experiments.training.preparing import Prepared

MOST_TOLD = 15  # sentences about a table, which may have thousands of columns

__all__ = ["print_dry_run", "print_run", "print_series"]


def print_dry_run(session: Session, prepared: Prepared) -> None:
    """Print what would be run: the model, the data, the components and the configuration."""
    data, experiment = prepared.data, prepared.experiment
    rows = ", ".join(
        f"{len(getattr(data, split).x)} {split}"
        for split in ("train", "validation", "test")
        if getattr(data, split) is not None
    )
    x, y = data.train
    shapes = f"{rows_as_text(x)} inputs, {rows_as_text(y)} targets"
    if all(each.ndim == 2 and each.is_floating_point() for each in (x, y)):
        shapes = f"{x.shape[1]} inputs, {y.shape[1]} outputs"
    lines = [
        prepared.description,
        f"parameters: {prepared.parameters}",
        f"data: {rows} rows of {shapes} ({data.task})",
        *_told(data.notes),
        f"engine: {prepared.engine_name}",
    ]
    if experiment.restarts > 1:
        lines.append(_restarts(prepared.why_not_stacked, experiment.restarts))
    lines += [f"{key}: {part.qualified_name}" for key, part in prepared.components.items()]
    lines.append("configuration:")
    lines.append(json.dumps(experiment.tree(), indent=2, ensure_ascii=False))
    lines.append("nothing was trained and nothing written (--dry-run)")
    _echo(session, lines)


def print_run(session: Session, folder: Path, result: dict[str, Any]) -> None:
    """Print the result of one run, and what to do next."""
    if session.options.quiet:
        _echo(session, [str(folder)])
        return
    lines = [result["model"]["description"], *_told(result["data"]["notes"])]
    for split in ("train", "validation", "test"):
        error = result["final"].get(f"{split}_error")
        if error is not None:
            lines.append(f"{split} error: {_error_in_words(result, split, error)}")
    lines += _baseline(result)
    lines += _stopped(result)
    restarts = result["restarts"]
    if restarts["count"] > 1:
        loss = result["final"][restarts["by"]]
        lines.append(_restarts(restarts["reason"], restarts["count"]))
        lines.append(
            f"restarts: {len(restarts['dead'])} of {restarts['count']} are dead; kept restart "
            f"{restarts['selected']}, which has the lowest {restarts['by'].replace('_', ' ')} "
            f"({loss:.4f})"
        )
    elif restarts["dead"]:
        lines.append("the model learned nothing; train several: --set restarts=16")
    lines += [
        f"dead units of {entry['layer']} {entry['kind']}: {describe_dead(entry)}"
        for entry in result.get("units", [])
        if entry["dead"]
    ]
    lines += [f"warning: {warning}" for warning in result["warnings"]]
    lines.append(f"training time: {result['timing']['training_seconds']:.2f} s")
    lines += [f"figure: {folder / figure}" for figure in result["figures"]]
    lines.append(f"run: {folder}")
    lines += _next(session, folder, result)
    _echo(session, lines)


def print_series(session: Session, folder: Path, summary: dict[str, Any]) -> None:
    """Print best, median and worst test error of a series, and what to do next."""
    if session.options.quiet:
        _echo(session, [str(folder)])
        return
    lines = [f"seeds: {len(summary['seeds'])}, from {summary['seeds'][0]}"]
    for which in ("best", "median", "worst"):
        error = format_error(summary[which], summary["task"])
        lines.append(f"{which + ':':8}test error {error}")
    if summary.get("diverged"):
        lines.append(
            f"diverged: {summary['diverged']} of {len(summary['seeds'])} seeds, which count as "
            "worse than all others; a lower learning rate may help"
        )
    lines.append(f"dead restarts: {summary['dead']} of {summary['restarts']}")
    lines.append(f"training time of a run: {statistics.median(summary['training_seconds']):.2f} s")
    lines += [f"figure: {folder / figure}" for figure in summary.get("figures", [])]
    lines.append(f"run: {folder}")
    lines += _next(session, folder, summary)
    _echo(session, lines)


def _told(notes: Mapping[str, Any]) -> list[str]:
    """Return what a dataset decided, in a line each."""
    told = list(notes.get("told", []))
    left = [f"{len(told) - MOST_TOLD} more, in result.json"] if len(told) > MOST_TOLD else []
    return [f"table: {sentence}" for sentence in [*told[:MOST_TOLD], *left]]


def _error_in_words(result: dict[str, Any], split: str, error: float) -> str:
    """Return ``1.2%``, or ``0.31 (root mean squared; 180 in the unit of price)``."""
    task = result["data"]["task"]
    units = result.get("final_in_units") or {}
    in_units = units.get(f"{split}_error")
    if task != "regression":
        return format_error(error, task)
    more = f"; {in_units:.4g} in the unit of {units['target']}" if in_units is not None else ""
    return f"{format_error(error, task)} (root mean squared{more})"


def _baseline(result: dict[str, Any]) -> list[str]:
    """Return the line of what simple models reach on the test set."""
    baseline, task = result.get("baseline"), result["data"]["task"]
    if not baseline or not baseline["constant"]:
        return []
    constant, linear = baseline["constant"]["test_error"], baseline["linear"]
    words = f"always the same answer {format_error(constant, task)}"
    if linear:
        words += f", a linear model {format_error(linear['test_error'], task)}"
    else:
        words += f" (no linear model: {baseline['reason']})"
    return [f"baseline (test error): {words}"]


def _stopped(result: dict[str, Any]) -> list[str]:
    kept = result.get("kept") or {}
    if not kept.get("by"):
        return []
    how = "stopped early" if kept["stopped_early"] else "trained"
    metric = kept["by"].replace("_", " ")
    epochs = len(result["epochs"])
    return [f"{how}: {epochs} epochs, and kept epoch {kept['epoch']}, of the lowest {metric}"]


def _restarts(reason: str | None, count: int) -> str:
    if reason is None:
        return f"restarts: {count} trained at once, stacked"
    return f"restarts: {count} trained one after another; they cannot be stacked: {reason}"


def _next(session: Session, folder: Path, result: dict[str, Any]) -> list[str]:
    """Return what to do with the results, as the last lines."""
    steps = [f"open {folder / result['figures'][0]}"] if result.get("figures") else []
    if "run" in result:  # not of a series
        steps.append(f"minidl predict {folder} NEW.csv")
        registry = session.registry
        commands = [c for c in registry.components("commands") if c.name == "report"]
        if any(registry.unavailable(each.distribution) is None for each in commands):
            steps.append(f"minidl report {folder}")
    steps.append(f"minidl compare {folder} OTHER")
    return ["next:", *(f"  {step}" for step in steps)]


def _echo(session: Session, lines: Iterable[str]) -> None:
    if session.is_main_process:
        click.echo(printable("\n".join(lines)))
