"""The last error of every restart: how much depends on the first weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from minidl_plugins_experiments.figures.style import (
    BLUE,
    GREY,
    VERMILION,
    limit_log_axis,
    new_figure,
    panels,
    save,
    without_frame,
)

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from minidl_plugins_experiments.runs.history import Array, History

__all__ = ["draw_restarts"]


def draw_restarts(history: History, path: Path) -> Path | None:
    """The last error (else loss) of every restart, the best first; None for a single restart."""
    kind = next((kind for kind in ("error", "loss") if history.last(f"train_{kind}") is not None),
                None)  # fmt: skip
    if history.restarts < 2 or kind is None:
        return None
    training, test = history.last(f"train_{kind}"), history.last(f"test_{kind}")
    if training is None:
        return None
    scale = 100.0 if kind == "error" and history.shares else 1.0
    order = np.argsort(np.where(np.isnan(training), np.inf, training), kind="stable")
    place = np.empty(history.restarts, dtype=int)
    place[order] = np.arange(1, history.restarts + 1)
    dead = np.isin(np.arange(history.restarts), history.dead)
    figure = new_figure(7.5, 4.4)
    shown = [scale * values for values in (training, test) if values is not None]
    every = np.concatenate(shown)
    gap = _gap(every) if kind == "error" else None
    parts = _broken(figure, *gap) if gap else panels(figure, 1)
    for axes in parts:
        _draw(axes, history, (training, test), place, dead, scale)
    lost = int(np.isnan(training).sum())
    words = f"{history.restarts} restarts, {int(dead.sum())} of them dead"
    parts[0].set_title(words + (f", {lost} without a finite {kind}" if lost else ""), fontsize=11)
    bottom = parts[-1]
    bottom.set_xlabel(f"restart, the lowest training {kind} first")
    _number(bottom, order)
    if scale == 100.0:
        bottom.set_ylabel("misclassified at the end (%)")
    else:
        bottom.set_ylabel(f"{kind} at the end")
    if not gap and kind == "error" and scale == 100.0:
        bottom.set_ylim(bottom=-0.03 * bottom.get_ylim()[1])  # a marker at 0 is seen whole
    elif not gap:
        limit_log_axis(bottom, every)
    handles, labels = bottom.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return save(figure, path)


def _gap(values: Array) -> tuple[Array, Array] | None:
    """Return the values below and above the widest gap, if it takes most of the axis."""
    some = np.sort(values[np.isfinite(values)])
    if some.size < 2 or some[0] == some[-1]:
        return None
    wide = np.diff(some)
    at = int(wide.argmax()) + 1
    below, above = some[:at], some[at:]
    squeezed = max(np.ptp(below), np.ptp(above)) < 0.25 * np.ptp(some)
    return (below, above) if squeezed and np.ptp(below) > 0 else None


def _broken(figure: Figure, below: Array, above: Array) -> list[Axes]:
    """Two panels, one above the other, for an axis without what lies between the two groups."""
    parts = list(figure.subplots(2, 1, sharex=True, height_ratios=[1, 2]))
    for axes, values in zip(parts, (above, below), strict=True):
        room = 0.12 * float(np.ptp(values)) or 0.02 * float(np.ptp([*below, *above]))
        axes.set_ylim(float(values.min()) - room, float(values.max()) + room)
        without_frame(axes)
        axes.yaxis.set_major_locator(MaxNLocator(4, min_n_ticks=1))
    parts[0].spines["bottom"].set_visible(False)
    parts[0].tick_params(bottom=False)
    parts[0].annotate(
        "the axis leaves out what lies between", (1, 0), xycoords="axes fraction", xytext=(0, -7),
        textcoords="offset points", ha="right", va="top", fontsize=8, color="#555555",
    )  # fmt: skip
    return parts


def _number(axes: Axes, order: NDArray[np.int64]) -> None:
    """Name places by the number of the restart that stands there."""
    stride = max(1, -(-len(order) // 20))
    places = np.arange(0, len(order), stride)
    axes.set_xticks(places + 1, [str(order[place]) for place in places])
    axes.margins(x=0.02)


def _draw(
    axes: Axes,
    history: History,
    sets: tuple[Array | None, Array | None],
    place: NDArray[np.int64],
    dead: NDArray[np.bool_],
    scale: float,
) -> None:
    size = float(np.clip(900 / history.restarts, 6, 42))
    for values, colour, marker, meaning in (
        (sets[0], BLUE, "o", "training set"),
        (sets[1], VERMILION, "D", "test set"),
    ):
        if values is None:
            continue
        axes.scatter(
            place[~dead], scale * values[~dead], s=size, color=colour, marker=marker, alpha=0.8,
            linewidths=0, label=meaning,
        )  # fmt: skip
        if meaning == "training set" and dead.any():
            axes.scatter(
                place[dead], scale * values[dead], s=1.3 * size, color=GREY, marker="x",
                linewidths=1.2, label="dead restart, training set",
            )  # fmt: skip
    if history.selected is not None:
        axes.axvline(
            place[history.selected], color="black", linewidth=1.2, linestyle=":", zorder=0,
            label=f"restart {history.selected}, selected",
        )  # fmt: skip
