"""Figures of what `watch` saw."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from minidl_core import ArgumentError
from minidl_plugins_inspect.watching.units import SATURATED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from minidl_plugins_inspect.watching.layer import Layer

    Layers = Sequence[Layer]

__all__ = ["NotebookFigure", "draw_gradients", "draw_histograms", "draw_units"]

BLUE, VERMILION, ORANGE = "#0072B2", "#D55E00", "#E69F00"  # Okabe and Ito's
MOST_ROWS = 24  # layers in the histograms; of a deeper model, evenly spread ones
MOST_VALUES = 200_000  # of a tensor that a histogram counts


class NotebookFigure(Figure):
    """A figure of matplotlib that a notebook shows without pyplot; save it with ``savefig``."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=90)
        return buffer.getvalue()


def draw_histograms(seen: Layers, *, gradients: bool) -> NotebookFigure:
    """Draw, for each layer, the values of its output and of the gradient of its output."""
    layers = [layer for layer in _leaves(seen) if isinstance(layer.output, Tensor)]
    step = max(1, -(-len(layers) // MOST_ROWS))
    layers = layers[::step]
    width = 2 if gradients else 1
    figure = _new(3.6 * width, 0.6 + 1.1 * len(layers))
    grid = figure.subplots(len(layers), width, squeeze=False)
    for row, layer in zip(grid, layers, strict=True):
        _histogram(row[0], layer.output, BLUE)
        row[0].set_ylabel(_label(layer), rotation=0, ha="right", va="center", fontsize=8)
        if gradients:
            _histogram(row[1], layer.grad_output, VERMILION)
    grid[0][0].set_title("output", fontsize=10)
    if gradients:
        grid[0][1].set_title("gradient of the output", fontsize=10)
    return figure


def draw_units(seen: Layers) -> NotebookFigure:
    """Draw the share of dead and saturated units of each elementwise activation."""
    layers = [layer for layer in seen if layer.units is not None]
    if not layers:
        raise ArgumentError(
            "expected a model with an elementwise activation and an input of several rows, found "
            "none; watch one that has a ReLU, Tanh or the like",
            where="units()",
        )
    figure = _new(5.5, 1 + 0.4 * len(layers))
    axes = _plain(figure.subplots())
    names = [_label(layer) for layer in layers]
    dead = [layer.units.dead_share for layer in layers if layer.units]
    saturated = [layer.units.saturated_share for layer in layers if layer.units]
    axes.barh(names, dead, color=VERMILION, label="dead: no gradient for any row")
    label = f"saturated: mean |derivative| below {SATURATED}"
    axes.barh(names, saturated, left=dead, color=ORANGE, label=label)
    axes.set(xlim=(0, 1), xlabel="share of the units")
    axes.invert_yaxis()
    figure.legend(loc="outside upper center", frameon=False, fontsize=8)
    return figure


def draw_gradients(seen: Layers) -> NotebookFigure:
    """Draw ‖gradient‖ of each layer's output and parameters, from the first layer to the last."""
    layers = [layer for layer in _leaves(seen) if isinstance(layer.grad_output, Tensor)]
    figure = _new(6, 3.4)
    axes = _plain(figure.subplots())
    depth = list(range(len(layers)))
    norms = [float(layer.grad_output.double().norm()) for layer in layers]
    axes.plot(depth, norms, color=BLUE, marker="o", markersize=4, label="of the output")
    having = [i for i, layer in enumerate(layers) if layer.gradients]
    norms = [
        sum(float(grad.double().norm()) ** 2 for grad in layers[i].gradients.values()) ** 0.5
        for i in having
    ]
    axes.plot(having, norms, color=VERMILION, marker="s", markersize=4, label="of the parameters")
    axes.set_yscale("symlog", linthresh=1e-12) if not any(norms) else axes.set_yscale("log")
    axes.set(xlabel="depth (layers in the order of the model)", ylabel="‖gradient‖")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(layers) <= MOST_ROWS:
        axes.set_xticks(depth, [_label(each) for each in layers], rotation=45, ha="right")
        axes.tick_params(axis="x", labelsize=7)
    axes.legend(frameon=False, fontsize=8)
    return figure


def _leaves(seen: Layers) -> list[Layer]:
    """Return the modules that compute: those without others inside, and called."""
    return [layer for layer in seen if layer.is_leaf and layer.calls] or list(seen[:1])


def _label(layer: Layer) -> str:
    return f"{layer.path} {layer.kind}".strip()


def _new(width: float, height: float) -> NotebookFigure:
    return NotebookFigure((width, height), layout="constrained")


def _plain(axes: Axes) -> Axes:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.7)
    axes.set_axisbelow(True)
    return axes


def _histogram(axes: Axes, values: Any, colour: str) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_yticks([])
    axes.tick_params(labelsize=7)
    if not isinstance(values, Tensor):
        return
    flat = values.double().reshape(-1).cpu()
    flat = flat[flat.isfinite()][:: max(1, flat.numel() // MOST_VALUES)]
    if flat.numel():
        axes.hist(flat.numpy(), bins=40, color=colour)
