"""What the units of each layer do with the training rows: alive, saturated or dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minidl_plugins_experiments.figures.style import (
    BLUE,
    GREY,
    VERMILION,
    new_figure,
    panels,
    plain,
    save,
)

if TYPE_CHECKING:
    from pathlib import Path

    from minidl_plugins_experiments.runs.history import History

__all__ = ["draw_activations"]

MOST_LAYERS = 24  # that are drawn, the first ones


def draw_activations(history: History, path: Path) -> Path | None:
    """A bar for each activation, the input's on top; None without activations."""
    layers = list(history.units)[:MOST_LAYERS]
    if not layers:
        return None
    figure = new_figure(7.2, 1.9 + 0.34 * max(len(layers), 4))
    (axes,) = panels(figure, 1)
    units = np.array([max(int(each["units"]), 1) for each in layers], dtype=float)
    dead = np.array([len(each["dead"]) for each in layers]) / units
    saturated = np.array([len(each["saturated"]) for each in layers]) / units
    rows = np.arange(len(layers))
    left = np.zeros(len(layers))
    for share, colour, hatch, meaning in (
        (1 - dead - saturated, BLUE, "", "alive"),
        (saturated, VERMILION, "//", "saturated: mean slope below 0.05"),
        (dead, GREY, "xx", "dead: slope 0 in every row"),
    ):
        axes.barh(
            rows, 100 * share, left=100 * left, color=colour, hatch=hatch, edgecolor="white",
            linewidth=0, height=0.7, label=meaning,
        )  # fmt: skip
        left += share
    axes.set_yticks(rows, [plain(f"{each['layer']} {each['kind']}") for each in layers])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the layer's units (%)")
    axes.set_title(
        f"Units of each activation at the training rows: {int((dead * units).sum())} of "
        f"{int(units.sum())} dead", fontsize=11,
    )  # fmt: skip
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return save(figure, path)
