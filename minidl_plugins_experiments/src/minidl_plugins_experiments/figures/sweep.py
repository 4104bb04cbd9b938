"""The metric at the end against each swept value, with the spread over restarts and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl_plugins_experiments.figures.style import (
    BLUE,
    LIGHT,
    VERMILION,
    new_figure,
    panels,
    plain,
    save,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

__all__ = ["draw_sweep"]


def draw_sweep(summary: Mapping[str, Any], path: Path) -> None:
    """One panel for each swept key: every model is a point, the line joins the medians.

    Args:
        summary: the content of ``sweep.json``.
    """
    settings, keys = summary["settings"], list(summary["sweep"])
    metric = next(
        name
        for name in ("validation_error", "test_error", "train_error", "train_loss")
        if name in settings[0]
    )
    percent = summary["task"] == "classification" and metric.endswith("error")
    figure = new_figure(1.2 + 4.2 * len(keys), 4.2)
    axes = panels(figure, len(keys), sharey=True)
    for each, key in zip(axes, keys, strict=True):
        _draw(each, key, summary["sweep"][key], settings, metric, 100.0 if percent else 1.0)
    part, _, what = metric.partition("_")
    axes[0].set_ylabel(f"{part} {what} at the end{' (%)' if percent else ''}")
    restarts = len(settings[0][metric])
    figure.suptitle(
        f"{plain(summary['name'])}: {len(settings)} settings, {restarts} "
        f"restart{'s' if restarts > 1 else ''} each",
        fontsize=11,
    )
    save(figure, path)


def _draw(
    axes: Axes,
    key: str,
    swept: Sequence[Any],
    settings: Sequence[Mapping[str, Any]],
    metric: str,
    scale: float,
) -> None:
    values, places = _places(axes, swept)
    medians: list[float] = []
    lost = 0
    for value, place in zip(values, places, strict=True):
        found = [v for each in settings if each["values"][key] == value for v in each[metric]]
        finite = scale * np.array([v for v in found if v is not None], dtype=float)
        lost += len(found) - len(finite)
        axes.scatter(np.full(len(finite), place), finite, s=14, color=LIGHT, linewidths=0)
        medians.append(float(np.median(finite)) if finite.size else float("nan"))
    axes.plot(places, medians, "o-", color=BLUE, markersize=5)
    best = int(np.nanargmin(medians)) if np.isfinite(medians).any() else None
    if best is not None:
        axes.plot(places[best], medians[best], "o", color=VERMILION, markersize=8)
        axes.annotate(
            f"{medians[best]:.3g}", (places[best], medians[best]), textcoords="offset points",
            xytext=(0, 9), ha="center", fontsize=9, color=VERMILION,
        )  # fmt: skip
    axes.set_xlabel(plain(key) + (f"   ({lost} diverged)" if lost else ""))


def _places(axes: Axes, swept: Sequence[Any]) -> tuple[list[Any], list[float]]:
    """Return values and their places on the x axis: logarithmic if they span a decade."""
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in swept)
    values = sorted(swept) if numbers else list(swept)
    if numbers and values[0] > 0 and values[-1] >= 10 * values[0]:
        axes.set_xscale("log")
        places = [float(value) for value in values]
    elif numbers:
        places = [float(value) for value in values]
    else:
        places = [float(place) for place in range(len(values))]
    axes.set_xticks(places, [plain(value, 12) for value in values], minor=False)
    axes.minorticks_off()
    return values, places
