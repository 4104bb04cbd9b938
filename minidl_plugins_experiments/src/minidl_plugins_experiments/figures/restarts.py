"""The last error of every restart: how much depends on the first weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minidl_plugins_experiments.figures.style import (
    BLUE,
    GREY,
    VERMILION,
    limit_log_axis,
    new_figure,
    panels,
    save,
)

if TYPE_CHECKING:
    from pathlib import Path

    from minidl_plugins_experiments.runs.history import History

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
    size = float(np.clip(900 / history.restarts, 6, 42))

    figure = new_figure(7.5, 4.4)
    (axes,) = panels(figure, 1)
    shown = []
    for values, colour, marker, meaning in (
        (training, BLUE, "o", "training set"),
        (test, VERMILION, "D", "test set"),
    ):
        if values is None:
            continue
        shown.append(values)
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
    lost = int(np.isnan(training).sum())
    words = f"{history.restarts} restarts, {int(dead.sum())} of them dead"
    axes.set_title(words + (f", {lost} without a finite {kind}" if lost else ""), fontsize=11)
    axes.set_xlabel(f"restart, in the order of its training {kind}")
    if scale == 100.0:
        axes.set_ylabel("misclassified at the end (%)")
        axes.set_ylim(bottom=-0.03 * axes.get_ylim()[1])  # a marker at 0 is seen whole
    else:
        axes.set_ylabel(f"{kind} at the end")
        limit_log_axis(axes, np.concatenate(shown))
    axes.margins(x=0.02)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return save(figure, path)
