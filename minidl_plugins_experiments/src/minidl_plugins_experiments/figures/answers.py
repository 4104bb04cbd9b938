"""What a trained model answers on the test set, beside what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from minidl_core import MinidlError
from minidl_plugins_experiments.data.noted_transform import noted_transform
from minidl_plugins_experiments.data.targets import Quantity
from minidl_plugins_experiments.figures.points import has_one_class_a_row, labels_of
from minidl_plugins_experiments.figures.style import BLACK, BLUE, new_figure, panels, plain, save

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from minidl_plugins_experiments.data.data import Data

    Predict = Callable[[Tensor], Tensor]

__all__ = ["draw_confusion", "draw_predicted"]

MOST_CLASSES = 30
MOST_NUMBERED = 15  # classes, with which a number still fits into its square
MOST_POINTS = 4000


def draw_confusion(data: Data, predict: Predict, path: Path) -> Path | None:
    """How many test rows of each class were given which; None for anything but one class a row."""
    x, y = data.test
    if data.task != "classification" or not len(x) or not has_one_class_a_row(y):
        return None
    true, given = labels_of(y), labels_of(predict(x))
    classes = int(max(true.max(), given.max())) + 1
    names = data.notes.get("classes") or [str(label) for label in range(classes)]
    classes = max(classes, len(names))
    if not 2 <= classes <= MOST_CLASSES:
        return None
    names = [plain(names[label] if label < len(names) else label, 18) for label in range(classes)]
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (true, given), 1)
    _draw_counts(counts, names, path)
    return path


def _draw_counts(counts: NDArray[np.int64], names: list[str], path: Path) -> None:
    side = 3.6 + 0.28 * len(names)
    figure = new_figure(side + 1.2, side)
    (axes,) = panels(figure, 1)
    axes.grid(visible=False)
    rows = counts.sum(1, keepdims=True)
    shares = counts / np.maximum(rows, 1)
    image = axes.imshow(100 * shares, cmap="Blues", vmin=0, vmax=100)
    if len(names) <= MOST_NUMBERED:
        for (true, given), count in np.ndenumerate(counts):
            dark = shares[true, given] > 0.5
            axes.text(
                given, true, str(count), ha="center", va="center", fontsize=9,
                color="white" if dark else "#999999" if not count else "black",
            )  # fmt: skip
    turned = max(map(len, names)) * len(names) > 40
    axes.set_xticks(range(len(names)), names, rotation=90 if turned else 0)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    wrong, total = int(counts.sum() - np.trace(counts)), int(counts.sum())
    axes.set_title(f"Test set: {wrong} of {total} rows misclassified", fontsize=11)
    figure.colorbar(image, ax=axes, label="share of the true class (%)", shrink=0.8)
    save(figure, path)


def draw_predicted(data: Data, predict: Predict, path: Path) -> Path | None:
    """Each test row: predicted against true, in the target's unit; None if no regression."""
    x, y = data.test
    if data.task != "regression" or not len(x) or y.ndim != 2 or not 1 <= y.shape[1] <= 4:
        return None
    target = _target(data)
    answers = predict(x)
    if answers.shape != y.shape:
        return None
    true, given = (np.array(target.decode(each.cpu()).tolist()) for each in (y, answers))
    columns = true.shape[1]
    figure = new_figure(max(5.2, 4.2 * columns), 4.6)
    for column, axes in enumerate(panels(figure, columns)):
        a, b = true[:, column], given[:, column]
        low, high = float(min(a.min(), b.min())), float(max(a.max(), b.max()))
        axes.plot(
            [low, high], [low, high], color=BLACK, linewidth=1.2, linestyle=":", label="exact"
        )
        stride = max(1, -(-len(a) // MOST_POINTS))
        axes.scatter(
            a[::stride], b[::stride], s=12, color=BLUE, alpha=0.5, linewidths=0, label="test row"
        )
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(plain(f"true {target.names[column]}"))
        axes.set_ylabel(plain(f"predicted {target.names[column]}"))
        error = float(np.sqrt(np.mean((a - b) ** 2)))
        axes.set_title(f"Test set: root mean squared error {error:.3g}", fontsize=11)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return save(figure, path)


def _target(data: Data) -> Quantity:
    """Return the target's quantities; those of numbers as they are if nothing is noted of them."""
    outputs = data.test.y.shape[1]
    described = {"notes": data.notes, "task": data.task, "outputs": outputs, "features": 0}
    try:
        target = noted_transform(described).target
    except MinidlError:
        target = None
    if isinstance(target, Quantity) and len(target.names) == outputs:
        return target
    return Quantity(
        [f"output {place}" for place in range(outputs)], [0.0] * outputs, [1.0] * outputs
    )
