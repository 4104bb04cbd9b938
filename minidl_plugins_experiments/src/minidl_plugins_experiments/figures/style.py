"""How every figure looks, and how it is saved. Nothing here touches pyplot's global state."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = [
    "BLACK", "BLUE", "CLASS_COLOURS", "GREEN", "GREY", "LIGHT", "MARKERS", "VERMILION",
    "epoch_axis", "limit_log_axis", "new_figure", "panels", "plain", "plain_log_ticks", "save",
    "without_frame",
]  # fmt: skip

# Okabe and Ito's colours, which people who confuse red and green can tell apart.
BLUE, VERMILION, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
GREY, LIGHT = "#7f7f7f", "#9ecae1"
CLASS_COLOURS = [
    "#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#0072B2", "#D55E00", "#F0E442", "#999999",
]  # fmt: skip
MARKERS = ["o", "s", "^", "D", "v", "P", "<", ">"]

DECADES_ABOVE = 4  # of the median that a logarithmic axis shows: what exploded leaves the picture


def new_figure(width: float, height: float) -> Figure:
    """A figure of that size in inches, its parts arranged so that nothing overlaps."""
    return Figure((width, height), layout="constrained")


def panels(figure: Figure, count: int, **options: Any) -> list[Axes]:
    """`count` panels side by side, without frames, with a faint grid."""
    axes = list(figure.subplots(1, count, squeeze=False, **options)[0])
    for each in axes:
        without_frame(each)
    return axes


def without_frame(axes: Axes) -> None:
    """Leave the lines at the top and on the right out, and draw a faint grid below all else."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.7)
    axes.set_axisbelow(True)


def save(figure: Figure, path: Path) -> Path:
    """Write `figure` to `path` as PNG; a letter that the font lacks becomes a box, in silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"(?s).*[Gg]lyph.*")
        figure.savefig(path, dpi=110)
    return path


def plain(text: object, most: int = 32) -> str:
    r"""A user's own words as matplotlib shows them: no formulas, no line breaks, not too long.

    A legend leaves out what begins with ``_``, and ``$`` begins a formula.
    """
    words = " ".join(str(text).split())
    words = words if len(words) <= most else words[: most - 1] + "…"
    words = words.replace("$", r"\$")
    return f"\u200b{words}" if words.startswith("_") else words


def epoch_axis(axes: Axes) -> None:
    """Epochs are whole numbers."""
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def limit_log_axis(axes: Axes, values: NDArray[np.float64]) -> None:
    """A logarithmic axis for `values`, if any is positive; far above their median it is cut off."""
    positive = values[np.isfinite(values) & (values > 0)]
    if not positive.size:
        return
    low, high = float(positive.min()), float(positive.max())
    top = min(high, float(np.median(positive)) * 10**DECADES_ABOVE)
    axes.set_ylim(low / 1.5, top * 1.5)  # first, or the scale looks for limits of its own
    axes.set_yscale("log", nonpositive="mask")
    plain_log_ticks(axes, low, top)


def plain_log_ticks(axes: Axes, low: float, high: float) -> None:
    """Ticks of a logarithmic axis as numbers, and where it is short, at 2 and 5 as well."""
    decades = np.log10(high / low)
    if decades > 6:  # powers of ten, as matplotlib writes them
        return
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2 else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
