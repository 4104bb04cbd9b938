"""The same experiment from many seeds: best, median and worst, and everything between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl_plugins_experiments.figures.style import (
    BLUE,
    VERMILION,
    limit_log_axis,
    new_figure,
    panels,
    save,
)
from minidl_plugins_experiments.runs.history import History

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["draw_seeds"]

DECADES = 30.0  # beyond this ratio of largest to smallest the axis is logarithmic


def draw_seeds(results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """The last training and test error (else loss) of each run's selected restart."""
    runs = [History(result) for result in results]
    shares = all(history.shares for history in runs)
    kind = "error" if any(run.final("test_error") is not None for run in runs) else "loss"
    scale = 100.0 if kind == "error" and shares else 1.0
    columns = [
        ("training set", [run.final(f"train_{kind}") for run in runs], BLUE),
        ("test set", [run.final(f"test_{kind}") for run in runs], VERMILION),
    ]
    figure = new_figure(6.2, 4.6)
    (axes,) = panels(figure, 1)
    shown = [np.array([np.nan])]
    for place, (_, values, colour) in enumerate(columns):
        finite = scale * np.array([value for value in values if value is not None], dtype=float)
        if finite.size:
            _draw(axes, place, finite, colour, "%" if scale == 100.0 else "")
            shown.append(finite)
    everything = np.concatenate(shown)
    lost = sum(value is None for value in columns[1][1])
    words = f"{len(runs)} seeds" + (f", {lost} without a finite {kind}" if lost else "")
    axes.set_title(words, fontsize=11)
    axes.set_xticks(range(len(columns)), [name for name, _, _ in columns])
    axes.set_xlim(-0.5, len(columns) - 0.2)
    axes.set_ylabel("misclassified at the end (%)" if scale == 100.0 else f"{kind} at the end")
    positive = everything[everything > 0]
    if positive.size == np.isfinite(everything).sum() > 0 and np.ptp(np.log(positive)) > np.log(
        DECADES
    ):
        limit_log_axis(axes, everything)
    else:
        axes.set_ylim(bottom=0)
    axes.grid(axis="x", visible=False)
    save(figure, path)


def _draw(axes: Axes, place: int, values: NDArray[np.float64], colour: str, unit: str) -> None:
    """A box from quartile to quartile, whiskers to best and worst, and every seed beside it."""
    low, *box, high = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    left, middle, right = place - 0.31, place - 0.18, place - 0.05
    line: dict[str, Any] = {"colors": colour, "linewidth": 1.4}
    axes.vlines([left, right], box[0], box[2], **line)
    axes.hlines([box[0], box[2]], left, right, **line)
    axes.hlines(box[1], left, right, colors=colour, linewidth=2.8)
    axes.vlines([middle, middle], [low, box[2]], [box[0], high], **line)
    axes.hlines([low, high], middle - 0.06, middle + 0.06, **line)
    # Side by side in order, so that equal values are still seen one by one.
    aside = place + 0.02 + 0.2 * (np.arange(len(values)) * 0.618034 % 1)
    axes.scatter(aside, np.sort(values), s=16, color=colour, alpha=0.6, linewidths=0)
    for name, value in (
        ("best", values.min()),
        ("median", float(np.median(values))),
        ("worst", values.max()),
    ):
        if name != "median" and values.min() == values.max():
            continue
        axes.annotate(
            f"{name} {value:.3g}{' ' if unit else ''}{unit}", (place + 0.27, value), va="center",
            fontsize=9, color=colour,
        )  # fmt: skip
