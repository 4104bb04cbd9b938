"""Error and loss after each epoch, of every restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minidl_plugins_experiments.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    LIGHT,
    VERMILION,
    epoch_axis,
    limit_log_axis,
    new_figure,
    panels,
    plain,
    save,
)

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from minidl_plugins_experiments.runs.history import Array, History

__all__ = ["draw_curves"]


def draw_curves(history: History, path: Path) -> Path | None:
    """Draw errors left, losses right: the selected restart bold, others faint, dead ones dotted."""
    kinds = [
        kind
        for kind in ("error", "loss")
        if history.curve(f"train_{kind}") is not None or history.curve(f"test_{kind}") is not None
    ]
    if not kinds:
        return None
    figure = new_figure(5.2 * len(kinds), 4.2 if history.restarts == 1 else 4.5)
    for axes, kind in zip(panels(figure, len(kinds)), kinds, strict=True):
        _draw(axes, history, kind)
    handles = {
        label: handle
        for axes in figure.axes
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        frameon=False,
        ncols=2 if history.restarts > 1 else 3,
    )
    return save(figure, path)


def _draw(axes: Axes, history: History, kind: str) -> None:
    in_percent = kind == "error" and history.shares
    scale = 100.0 if in_percent else 1.0
    chosen = history.selected
    training = history.curve(f"train_{kind}")
    dot = "." if len(history.epochs) <= 10 else ""
    everything = []
    if training is not None and history.restarts > 1:
        dead = [restart for restart in history.dead if restart != chosen]
        alive = [restart for restart in range(history.restarts) if restart not in {*dead, chosen}]
        faint = 0.8 if history.restarts <= 10 else max(0.12, 8 / history.restarts)
        for restarts, colour, style, meaning in (
            (alive, LIGHT, "-", "other restart"),
            (dead, BLACK, ":", "dead restart"),
        ):
            if not restarts:
                continue
            axes.plot(
                history.epochs,
                scale * training[:, restarts],
                color=colour,
                linestyle=style,
                marker=dot,
                linewidth=0.9,
                alpha=faint if colour == LIGHT else max(faint, 0.25),
            )
            words = f"{len(restarts)} {meaning}{'s' if len(restarts) > 1 else ''}, training set"
            axes.plot([], [], color=colour, linestyle=style, linewidth=1.5, label=words)
        everything.append(training)
    for part, colour, style in (
        ("train", BLUE, "-"),
        ("validation", GREEN, "-."),
        ("test", VERMILION, "--"),
    ):
        curve = history.curve(f"{part}_{kind}")
        if curve is None or chosen is None:
            continue
        own = curve[:, chosen]
        name = "training" if part == "train" else part
        words = f"{name} set" + (f", restart {chosen} (selected)" if history.restarts > 1 else "")
        axes.plot(
            history.epochs, scale * own, color=colour, linestyle=style, marker=dot, linewidth=2,
            label=words,
        )  # fmt: skip
        everything.append(curve[:, [chosen]])
    if kind == "error":
        everything += _draw_baselines(axes, history, scale)
    if history.kept_epoch and history.epochs.size and history.kept_epoch < history.epochs[-1]:
        axes.axvline(
            history.kept_epoch, color=GREY, linewidth=1.2, linestyle=(0, (1, 3)), zorder=0,
            label=f"epoch {history.kept_epoch}, kept",
        )  # fmt: skip
    epoch_axis(axes)
    axes.set_title(_title(history, kind, scale), fontsize=11)
    if kind == "loss":
        axes.set_ylabel("loss")
        limit_log_axis(axes, np.concatenate([values.ravel() for values in everything]))
    else:
        axes.set_ylabel("misclassified (%)" if in_percent else plain(_error(history), 60))
        axes.set_ylim(0, _top(everything, scale))


def _error(history: History) -> str:
    if history.target is None:
        return "root mean squared error"
    return f"root mean squared error (standard deviations of {history.target})"


def _draw_baselines(axes: Axes, history: History, scale: float) -> list[Array]:
    """Draw what the best constant and a linear model come to on the test set."""
    drawn = []
    for name, words, style in (("constant", "best constant", (0, (5, 5))),
                               ("linear", "linear model", (0, (5, 2)))):  # fmt: skip
        value = (history.baseline.get(name) or {}).get("test_error")
        if value is not None and np.isfinite(value):
            axes.axhline(
                scale * value, color=GREY, linewidth=1.1, linestyle=style, zorder=0,
                label=f"{words}, test set",
            )  # fmt: skip
            drawn.append(np.array([value]))
    return drawn


def _top(everything: list[Array], scale: float) -> float | None:
    """A little above the largest value; None leaves it to matplotlib."""
    largest = max((float(np.nanmax(values)) for values in everything), default=0.0)
    return 1.05 * scale * largest if largest > 0 else None


def _title(history: History, kind: str, scale: float) -> str:
    test = history.final(f"test_{kind}")
    if test is None:
        return kind.capitalize()
    if kind == "error" and history.shares:
        return f"Error: {scale * test:.1f} % of the test set at the end"
    return f"{kind.capitalize()}: {test:.3g} on the test set at the end"
