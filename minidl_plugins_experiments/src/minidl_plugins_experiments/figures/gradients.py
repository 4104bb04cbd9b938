"""How large each layer's gradient is, over the epochs: whether it vanishes on its way back."""

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
    bands = history.layer_bands()
    layers = {layer: median for layer, (_, median, _) in bands.items()}
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
        _draw(axes, history, bands, restart, floor)
        axes.set_ylim(floor / 1.5, 2 * float(positive.max()) if positive.size else 1)
        axes.set_yscale("log")
    figure.axes[0].set_ylabel("‖gradient‖ of the layer's parameters")
    figure.suptitle(
        "Gradient of each layer: median and quartiles over the steps of an epoch", fontsize=11
    )
    handles, labels = figure.axes[0].get_legend_handles_labels()
    columns = 2 if max(map(len, labels)) > 18 else 4
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
    return save(figure, path)


def _measured(layers: dict[str, Array], restart: int) -> bool:
    return any(np.isfinite(norms[:, restart]).any() for norms in layers.values())


def _draw(
    axes: Axes,
    history: History,
    bands: dict[str, tuple[Array, Array, Array]],
    restart: int,
    floor: float,
) -> None:
    count = len(bands)
    named = set(np.linspace(0, count - 1, min(count, MOST_NAMES)).round().astype(int).tolist())
    dot = "." if len(history.epochs) <= 10 else ""
    for place, (layer, (low, median, high)) in enumerate(bands.items()):
        own = median[:, restart]
        colour = colormaps["viridis"](0.88 * place / max(count - 1, 1))
        label = plain(history.layer_name(layer)) if place in named else None
        axes.fill_between(
            history.epochs, np.maximum(low[:, restart], floor), np.maximum(high[:, restart], floor),
            where=(own > 0).tolist(), color=colour, alpha=0.15, linewidth=0,
        )  # fmt: skip
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
    if any((median[:, restart] == 0).any() for _, median, _ in bands.values()):
        axes.axhline(floor * 2, color="black", linewidth=0.8, linestyle=":")
        axes.annotate(
            "exactly zero (×)", (0.98, floor * 2), xycoords=("axes fraction", "data"),
            xytext=(0, 3), textcoords="offset points", ha="right", fontsize=9,
        )  # fmt: skip
    state = " (selected)" if restart == history.selected and history.restarts > 1 else ""
    state = " (dead)" if restart in history.dead else state
    if history.restarts > 1:
        axes.set_title(f"restart {restart}{state}", fontsize=11)
    epoch_axis(axes)
