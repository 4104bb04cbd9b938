"""Groups of runs: the median test error after each epoch, and the band between the quartiles."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from minidl_plugins_experiments.figures.style import (
    CLASS_COLOURS,
    epoch_axis,
    new_figure,
    panels,
    plain,
    save,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from minidl_plugins_experiments.runs.groups import Group

__all__ = ["draw_groups"]


def draw_groups(groups: Sequence[Group], path: Path) -> None:
    """One line and one band for each group, with a legend."""
    figure = new_figure(7.0, 4.2 + 0.2 * len(groups))
    (axes,) = panels(figure, 1)
    percent = all(group.task == "classification" for group in groups)
    scale = 100.0 if percent else 1.0
    for place, group in enumerate(groups):
        longest = max(map(len, group.curves), default=0)
        curves = np.full((len(group.curves), longest), np.nan)
        for row, curve in zip(curves, group.curves, strict=True):
            row[: len(curve)] = curve
        epochs = np.arange(1, longest + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # an epoch that none has reached
            low, middle, high = scale * np.nanquantile(curves, [0.25, 0.5, 0.75], axis=0)
        colour = CLASS_COLOURS[place % len(CLASS_COLOURS)]
        label = f"{plain(group.name, 60)} (n = {len(group.curves)})"
        axes.plot(epochs, middle, color=colour, linewidth=1.8, label=label)
        axes.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
    epoch_axis(axes)
    axes.set_ylabel(f"test error{' (%)' if percent else ''}, median and quartiles")
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=1, frameon=False)
    save(figure, path)
