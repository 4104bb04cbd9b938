"""Points of the plane: their classes, what the model makes of them, and where it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from matplotlib.colors import ListedColormap
from matplotlib.patches import Ellipse

from minidl_plugins_experiments.figures.style import (
    CLASS_COLOURS,
    MARKERS,
    new_figure,
    panels,
    plain,
    save,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray
    from torch import Tensor

    from minidl_plugins_experiments.data.data import Data, Split

    Predict = Callable[[Tensor], Tensor]

__all__ = ["draw_points"]

GRID = 250  # by as many points the model is asked, to find the border that it draws
MOST_POINTS = 4000  # that are drawn; all are counted
MOST_NAMES = 10  # of classes in the legend


def draw_points(data: Data, predict: Predict, path: Path) -> Path | None:
    """Training and test set of a classification with two features; None for any other."""
    x, y = data.train
    flat = x.ndim == 2 and x.shape[1] == 2 and x.is_floating_point()
    if data.task != "classification" or not flat or not has_one_class_a_row(y):
        return None
    corners = _corners(data)
    regions = _regions(data.train.x, corners, predict)
    figure = new_figure(10.4, 5.9)
    parts = (("Training set", data.train), ("Test set", data.test))
    axes_of_both = panels(figure, 2, sharex=True, sharey=True)
    for axes, (title, split) in zip(axes_of_both, parts, strict=True):
        _draw_regions(axes, regions, corners, classes=_class_count(data))
        _draw_split(axes, split, predict, title, data)
        names = data.notes.get("features") or ["$x_1$", "$x_2$"]
        axes.set_xlabel(plain(names[0]) if data.notes.get("features") else names[0])
        axes.set_xlim(corners[0][0], corners[1][0])
        axes.set_ylim(corners[0][1], corners[1][1])
    names = data.notes.get("features")
    axes_of_both[0].set_ylabel(plain(names[1]) if names else "$x_2$")
    handles, labels = axes_of_both[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    return save(figure, path)


def has_one_class_a_row(y: Tensor) -> bool:
    """Whether `y` are one-hot rows, or a class index for each row."""
    return y.ndim == 2 - (not y.is_floating_point())


def labels_of(values: Tensor) -> NDArray[np.int64]:
    """The class that each row says: its largest column; of a single one, whether it is above ½.

    Whole numbers are the classes.
    """
    if not values.is_floating_point():
        return np.array(values.tolist(), dtype=np.int64)
    rows = np.array(values.tolist(), dtype=float).reshape(len(values), -1)
    if rows.shape[1] == 1:
        return (rows[:, 0] > 0.5).astype(np.int64)
    labels: NDArray[np.int64] = rows.argmax(1)
    return labels


def _class_count(data: Data) -> int:
    y = data.train.y
    return max(2, y.shape[1] if y.is_floating_point() else int(max(y.max(), data.test.y.max())) + 1)


def _corners(data: Data) -> tuple[list[float], list[float]]:
    """The lower left and the upper right corner of the picture, a little beyond the points."""
    x = np.array([*data.train.x.tolist(), *data.test.x.tolist()], dtype=float)
    low, high = x.min(0), x.max(0)
    margin = np.where(high > low, 0.04 * (high - low), 0.5)
    return (low - margin).tolist(), (high + margin).tolist()


def _regions(
    like: Tensor, corners: tuple[list[float], list[float]], predict: Predict
) -> NDArray[np.int64]:
    """What the model says at each point of a grid.  -> (GRID, GRID), rows from the bottom"""
    (left, bottom), (right, top) = corners
    across = torch.linspace(left, right, GRID, dtype=torch.float64)
    up = torch.linspace(bottom, top, GRID, dtype=torch.float64)
    grid = torch.cartesian_prod(up, across).flip(1)
    return labels_of(predict(grid.to(like))).reshape(GRID, GRID)


def _draw_regions(
    axes: Axes,
    regions: NDArray[np.int64],
    corners: tuple[list[float], list[float]],
    classes: int,
) -> None:
    (left, bottom), (right, top) = corners
    axes.imshow(
        regions,
        origin="lower",
        extent=(left, right, bottom, top),
        cmap=ListedColormap([_colour(label) for label in range(classes)]),
        vmin=-0.5,
        vmax=classes - 0.5,
        alpha=0.22,
        aspect="auto",
        interpolation="nearest",
    )
    style: dict[str, Any] = {"colors": "black", "linewidths": 1.3}
    present = np.unique(regions)
    for label in present[1:] if len(present) == 2 else present if len(present) > 2 else []:
        axes.contour(
            np.linspace(left, right, GRID), np.linspace(bottom, top, GRID), regions == label,
            levels=[0.5], **style,
        )  # fmt: skip
    axes.plot([], [], color="black", linewidth=1.3, label="where the model changes its mind")


def _draw_split(axes: Axes, split: Split, predict: Predict, title: str, data: Data) -> None:
    x = np.array(split.x.tolist(), dtype=float).reshape(-1, 2)
    label = labels_of(split.y)
    wrong = labels_of(predict(split.x)) != label
    classes = _class_count(data)
    names = data.notes.get("classes") or [f"class {label}" for label in range(classes)]
    stride = max(1, -(-len(x) // MOST_POINTS))
    for each in range(classes):
        shown = x[label == each][::stride]
        name = plain(names[each]) if each < len(names) and classes <= MOST_NAMES else None
        axes.scatter(
            shown[:, 0], shown[:, 1], s=13, c=_colour(each), marker=MARKERS[each % len(MARKERS)],
            linewidths=0.3, edgecolors="white", label=name,
        )  # fmt: skip
    axes.scatter(
        x[wrong][::stride, 0], x[wrong][::stride, 1], s=44, c="black", marker="x", linewidths=1.5,
        zorder=3, label="misclassified",
    )  # fmt: skip
    ellipse = data.notes.get("ellipse")
    if ellipse:
        axes.add_patch(
            Ellipse(
                tuple(ellipse["centre"]), ellipse["width"], ellipse["height"], fill=False,
                edgecolor="black", linestyle=":", linewidth=1.6,
            )
        )  # fmt: skip
        words = plain(ellipse.get("label") or "the true border")
        axes.plot([], [], color="black", linestyle=":", linewidth=1.6, label=words)
    share = wrong.mean() if len(wrong) else 0.0
    axes.set_title(
        f"{title}: {wrong.sum()} of {len(wrong)} misclassified ({share:.1%})", fontsize=11
    )


def _colour(label: int) -> str:
    return CLASS_COLOURS[label % len(CLASS_COLOURS)]
