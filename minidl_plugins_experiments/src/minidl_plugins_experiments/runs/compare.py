"""Runs side by side: the keys in which their configurations differ, and their results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from minidl_core import MinidlError
from minidl_core.console import echo_table
from minidl_plugins_experiments.runs.folder import SEEDS, is_series, read_result
from minidl_plugins_experiments.runs.formatting import format_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from minidl_plugins_experiments.runs.groups import Group

__all__ = ["NOTHING", "compare", "differences", "draw_groups", "flat", "short"]

NOTHING = "-"
FIGURES = (".png", ".svg", ".pdf")
SPLITS = ("train", "validation", "test")


def compare(
    folders: Iterable[Path],
    figure: Path | None,
    echo: Callable[[list[list[str]]], None] = echo_table,
) -> None:
    """Print a table with a row for each run, and draw the runs into `figure`.

    Args:
        echo: prints the rows, the first of which is the header.

    Raises:
        MinidlError: a folder has no run, or the figure cannot be written.
    """
    runs = [(str(path), read_result(path)) for folder in folders for path in _runs_in(folder)]
    differing = differences([flat(result["configuration"]) for _, result in runs])
    header = [
        "run", *differing, "epochs done", "dead restarts", "train error", "validation error",
        "test error", "parameters", "seconds", "status",
    ]  # fmt: skip
    rows = [header]
    for name, result in runs:
        leaves = flat(result["configuration"])
        restarts, last = result["restarts"], result["final"]
        task = result["data"]["task"]
        rows.append(
            [
                name,
                *(short(leaves.get(key, NOTHING)) for key in differing),
                str(len(result["epochs"])),
                f"{len(restarts['dead'])} of {restarts['count']}" if result["epochs"] else NOTHING,
                *(_error(last.get(f"{name}_error"), task) for name in SPLITS),
                str(result["model"]["parameters"]),
                _seconds(result["timing"].get("training_seconds")),
                result["status"],
            ]
        )
    echo(_without_empty_columns(rows))
    if figure is not None:
        drawable = [(name, result) for name, result in runs if result["epochs"]]
        if not drawable:
            raise MinidlError(
                "no run has finished an epoch, so there is nothing to draw; resume one, or add "
                "--no-figure"
            )
        _draw(drawable, figure)


def draw_groups(groups: Sequence[Group], figure: Path) -> None:
    """Draw the spread of each group into `figure`.

    Raises:
        MinidlError: the figure cannot be written.
    """
    from minidl_plugins_experiments.figures import draw_groups as draw

    _write(figure, lambda: draw(groups, figure))


def _runs_in(folder: Path) -> Iterator[Path]:
    """Yield `folder` itself, or the run folders of a ``--seeds`` series."""
    if not is_series(folder):
        yield folder
        return
    for seed in read_result(folder, SEEDS).get("seeds", []):
        if (folder / f"seed-{seed}").is_dir():
            yield folder / f"seed-{seed}"


def _draw(runs: list[tuple[str, dict[str, Any]]], figure: Path) -> None:
    from minidl_plugins_experiments.figures import draw_comparison

    _write(figure, lambda: draw_comparison(runs, figure))


def _write(figure: Path, draw: Callable[[], None]) -> None:
    if figure.suffix.lower() not in FIGURES:
        raise MinidlError(
            f"a figure is written as {', '.join(FIGURES)}, got {figure.name}; name another file: "
            "--figure FILE"
        )
    try:
        draw()
    except OSError as error:
        raise MinidlError(
            f"the figure {figure} cannot be written ({error.strerror or error}); name another "
            "file: --figure FILE"
        ) from error


def flat(value: Any, key: str = "") -> dict[str, Any]:
    """Return the leaves of a configuration by their keys; the model is one leaf."""
    if not isinstance(value, dict) or key == "model":
        return {key: value}
    leaves = {}
    for name, inner in value.items():
        leaves.update(flat(inner, f"{key}.{name}" if key else name))
    return leaves


def differences(configurations: list[dict[str, Any]]) -> list[str]:
    keys = dict.fromkeys(key for leaves in configurations for key in leaves)
    return [
        key
        for key in keys
        if len({json.dumps(leaves.get(key), sort_keys=True) for leaves in configurations}) > 1
    ]


def short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _error(error: float | None, task: str) -> str:
    return NOTHING if error is None else format_error(error, task)


def _seconds(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds:.2f}"


def _without_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    body = rows[1:]
    kept = [i for i in range(len(rows[0])) if any(row[i] != NOTHING for row in body)]
    return [[row[i] for i in kept] for row in rows]
