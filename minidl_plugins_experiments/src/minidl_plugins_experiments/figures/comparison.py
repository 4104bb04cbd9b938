"""Several runs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps

from minidl_plugins_experiments.figures.style import (
    BLACK,
    CLASS_COLOURS,
    epoch_axis,
    limit_log_axis,
    new_figure,
    panels,
    plain,
    save,
)
from minidl_plugins_experiments.runs.history import History

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

__all__ = ["draw_comparison"]

STYLES = ["-", "--", "-.", ":"]
MOST_NAMES = 30  # in the legend; more runs have none
FEW = 7  # runs that get colours of their own; more are shades of one scale
# The yellow of the classes is too pale for a line, and black is better than grey.
COLOURS = [colour for colour in CLASS_COLOURS if colour not in {"#F0E442", "#999999"}] + [BLACK]


def draw_comparison(results: Sequence[tuple[str, Mapping[str, Any]]], path: Path) -> None:
    """The selected restart of each run: its test error (where there is one), its training loss."""
    runs = [(name, History(result)) for name, result in results]
    kinds = [
        kind
        for kind in ("test_error", "train_loss")
        if any(history.curve(kind) is not None for _, history in runs)
    ] or ["train_loss"]
    columns = 2 if any(len(name) > 18 for name, _ in runs) else 4
    rows = -(-len(runs) // columns) if len(runs) <= MOST_NAMES else 0
    figure = new_figure(5.4 * len(kinds), 4.1 + 0.22 * rows)
    shares = all(history.shares for _, history in runs)
    for axes, kind in zip(panels(figure, len(kinds)), kinds, strict=True):
        _draw(axes, runs, kind, shares)
    shown = runs if len(runs) <= MOST_NAMES else []
    for place, (name, history) in enumerate(shown):
        line = figure.axes[0].plot([], [], **_look(place, len(runs)))[0]
        line.set_label(plain(name, 40) + _last_words(history, shares))
    if shown:
        figure.legend(loc="outside lower center", ncols=min(columns, len(runs)), frameon=False)
    save(figure, path)


def _draw(axes: Axes, runs: list[tuple[str, History]], kind: str, shares: bool) -> None:
    scale = 100.0 if kind == "test_error" and shares else 1.0
    everything = [np.array([np.nan])]
    for place, (_, history) in enumerate(runs):
        curve = history.curve(kind)
        if curve is None or history.selected is None:
            continue
        own = scale * curve[:, history.selected]
        everything.append(own)
        dot = "." if len(own) <= 10 else ""
        axes.plot(history.epochs, own, marker=dot, **_look(place, len(runs)))
    epoch_axis(axes)
    if kind == "train_loss":
        axes.set_title("Training loss", fontsize=11)
        limit_log_axis(axes, np.concatenate(everything))
    else:
        axes.set_title("Test error (%)" if shares else "Test error", fontsize=11)
        largest = np.nanmax(np.concatenate(everything), initial=0.0)
        axes.set_ylim(0, 1.05 * largest if largest > 0 else None)


def _look(place: int, count: int) -> dict[str, Any]:
    if count <= FEW:
        return {"color": COLOURS[place], "linestyle": STYLES[place % 4], "linewidth": 1.8}
    colour = colormaps["viridis"](0.88 * place / (count - 1))
    return {"color": colour, "linestyle": STYLES[place % 4], "linewidth": 1.4}


def _last_words(history: History, shares: bool) -> str:
    """The test error, or else the training loss, that the run ended with."""
    error, loss = history.final("test_error"), history.final("train_loss")
    if error is not None:
        return f": {error:.1%}" if shares else f": {error:.3g}"
    return ": no finite loss" if loss is None else f": loss {loss:.3g}"
