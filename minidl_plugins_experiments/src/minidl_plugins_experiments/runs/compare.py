"""Runs side by side: what differs in their configurations, and what they came to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from minidl_core import MinidlError
from minidl_core.commands.tables import echo_table
from minidl_plugins_experiments.runs.folder import SEEDS, read_result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["compare"]

NOTHING = "-"


def compare(folders: Iterable[Path], figure: Path | None) -> None:
    """Print a table of the runs, a row for each, and draw them into `figure`.

    Raises:
        MinidlError: a folder is not that of a run, or the figure cannot be written.
    """
    runs = [(str(path), read_result(path)) for folder in folders for path in _runs_in(folder)]
    differing = _differences([_flat(result["configuration"]) for _, result in runs])
    header = [
        "run", *differing, "epochs done", "starts died", "train error", "validation error",
        "test error", "parameters", "seconds", "status",
    ]  # fmt: skip
    rows = [header]
    for name, result in runs:
        flat = _flat(result["configuration"])
        starts, last = result["starts"], result["final"]
        task = result["data"]["task"]
        rows.append(
            [
                name,
                *(_short(flat.get(key, NOTHING)) for key in differing),
                str(len(result["epochs"])),
                f"{len(starts['dead'])} of {starts['count']}" if result["epochs"] else NOTHING,
                *(_error(last.get(f"{part}_error"), task) for part in _PARTS),
                str(result["model"]["parameters"]),
                _seconds(result["timing"].get("training_seconds")),
                result["status"],
            ]
        )
    echo_table(_without_empty_columns(rows))
    if figure is not None:
        drawable = [(name, result) for name, result in runs if result["epochs"]]
        if not drawable:
            raise MinidlError("none of the runs has an epoch to draw; resume one, or --no-figure")
        _draw(drawable, figure)


_PARTS = ("train", "validation", "test")


def _runs_in(folder: Path) -> Iterator[Path]:
    """`folder` itself, or the runs in it that ``--seeds`` made."""
    if not (folder / SEEDS).is_file():
        yield folder
        return
    for seed in read_result(folder, SEEDS).get("seeds", []):
        if (folder / f"seed-{seed}").is_dir():
            yield folder / f"seed-{seed}"


def _draw(runs: list[tuple[str, dict[str, Any]]], figure: Path) -> None:
    from minidl_plugins_experiments.figures import draw_comparison

    try:
        draw_comparison(runs, figure)
    except OSError as error:
        raise MinidlError(
            f"the figure {figure} cannot be written ({error.strerror or error}); name another "
            "file: --figure FILE"
        ) from error
    click.echo(f"figure: {figure}")


def _flat(value: Any, key: str = "") -> dict[str, Any]:
    """The leaves of a configuration by their keys; the model is one leaf."""
    if not isinstance(value, dict) or key == "model":
        return {key: value}
    flat = {}
    for name, inner in value.items():
        flat.update(_flat(inner, f"{key}.{name}" if key else name))
    return flat


def _differences(configurations: list[dict[str, Any]]) -> list[str]:
    keys = dict.fromkeys(key for flat in configurations for key in flat)
    return [
        key
        for key in keys
        if len({json.dumps(flat.get(key), sort_keys=True) for flat in configurations}) > 1
    ]


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _error(error: float | None, task: str) -> str:
    if error is None:
        return NOTHING
    return f"{error:.4g}" if task == "regression" else f"{error:.2%}"


def _seconds(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds:.2f}"


def _without_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    body = rows[1:]
    kept = [i for i in range(len(rows[0])) if any(row[i] != NOTHING for row in body)]
    return [[row[i] for i in kept] for row in rows]
