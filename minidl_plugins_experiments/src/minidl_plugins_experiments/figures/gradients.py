"""How large each layer's gradient is, after each epoch: whether it vanishes on its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps

from minidl_plugins_experiments.figures.style import (
    epoch_axis,
    new_figure,
    panels,
    plain,
    save,
)

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from minidl_plugins_experiments.runs.history import Array, History

__all__ = ["draw_gradients"]

MOST_NAMES = 8  # of layers in the legend


def draw_gradients(history: History, path: Path) -> Path | None:
    """The selected restart, and beside it a dead one if there is one; None without gradients."""
    layers = history.layer_norms()
    if not any(np.isfinite(norms).any() for norms in layers.values()):
        return None
    shown = [] if history.selected is None else [history.selected]
    dead = [restart for restart in history.dead if restart != history.selected]
    # Most telling is the one with the most zeros.
    shown += sorted(
        (restart for restart in dead if _measured(layers, restart)),
        key=lambda restart: -sum(int((norms[:, restart] == 0).sum()) for norms in layers.values()),
    )[:1]
    if not shown:
        shown = [next(restart for restart in range(history.restarts) if _measured(layers, restart))]
    figure = new_figure(max(6.4, 4.8 * len(shown)), 4.6)
    every = np.concatenate([norms[:, shown].ravel() for norms in layers.values()])
    positive = every[np.isfinite(every) & (every > 0)]
    below = 5 if (every == 0).any() else 1.2  # room for the zeros, which the scale does not have
    floor = float(positive.min()) / below if positive.size else 1e-3
    for axes, restart in zip(panels(figure, len(shown), sharey=True), shown, strict=True):
        _draw(axes, history, layers, restart, floor)
        axes.set_ylim(floor / 1.5, 2 * float(positive.max()) if positive.size else 1)
        axes.set_yscale("log")
    figure.axes[0].set_ylabel("norm of the layer's gradient, last step of the epoch")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return save(figure, path)


def _measured(layers: dict[str, Array], restart: int) -> bool:
    return any(np.isfinite(norms[:, restart]).any() for norms in layers.values())


def _draw(
    axes: Axes, history: History, layers: dict[str, Array], restart: int, floor: float
) -> None:
    count = len(layers)
    named = set(np.linspace(0, count - 1, min(count, MOST_NAMES)).round().astype(int).tolist())
    dot = "." if len(history.epochs) <= 10 else ""
    for place, (layer, norms) in enumerate(layers.items()):
        own = norms[:, restart]
        colour = colormaps["viridis"](0.88 * place / max(count - 1, 1))
        label = f"layer {plain(layer)}" if place in named else None
        axes.plot(
            history.epochs, np.where(own > 0, own, np.nan), color=colour, marker=dot,
            linewidth=1.8, label=label,
        )  # fmt: skip
        zero = own == 0
        # Side by side, for several layers may be zero at once.
        axes.scatter(
            history.epochs[zero], np.full(zero.sum(), floor * (1.6 - 0.9 * place / count)),
            color=[colour], marker="x", s=20, linewidths=1.3,
        )  # fmt: skip
    if any((norms[:, restart] == 0).any() for norms in layers.values()):
        axes.axhline(floor * 2, color="black", linewidth=0.8, linestyle=":")
        axes.annotate(
            "exactly zero (×)", (0.98, floor * 2), xycoords=("axes fraction", "data"),
            xytext=(0, 3), textcoords="offset points", ha="right", fontsize=9,
        )  # fmt: skip
    state = " (selected)" if restart == history.selected and history.restarts > 1 else ""
    state = " (dead)" if restart in history.dead else state
    axes.set_title("Gradients" + (f" of restart {restart}" if history.restarts > 1 else "") + state,
                   fontsize=11)  # fmt: skip
    epoch_axis(axes)
