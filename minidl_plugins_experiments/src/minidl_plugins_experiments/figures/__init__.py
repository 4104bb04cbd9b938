"""The figures of a run, as PNG files. matplotlib is imported when the first is drawn.

::

    curves.png       error and loss after each epoch
    restarts.png     the last error of every restart, if there are several
    gradients.png    the norm of each layer's gradient over the epochs
    activations.png  what the units of each layer do: alive, saturated or dead
    points.png       the data, where it lies in a plane, and what the model makes of it
    confusion.png    of a classification, which class is taken for which
    predicted.png    of a regression, what was predicted against what is true
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from minidl_plugins_experiments.data.data import Data
    from minidl_plugins_experiments.runs.groups import Group

__all__ = ["draw_comparison", "draw_figures", "draw_groups", "draw_seeds", "draw_sweep"]


def draw_figures(
    result: Mapping[str, Any],
    folder: Path,
    data: Data | None = None,
    predict: Callable[[Tensor], Tensor] | None = None,
) -> list[Path]:
    """Draw what there is to see of one run, into ``folder / "figures"``.

    Args:
        result: the content of its ``result.json``.
        data, predict: its data, and the model that it kept, (n, features) -> (n, outputs); without
            them the data is not drawn.

    Returns:
        The files that were written.

    Raises:
        OSError: one could not be written.
    """
    from minidl_plugins_experiments.figures.activations import draw_activations
    from minidl_plugins_experiments.figures.curves import draw_curves
    from minidl_plugins_experiments.figures.gradients import draw_gradients
    from minidl_plugins_experiments.figures.restarts import draw_restarts
    from minidl_plugins_experiments.runs.history import History

    folder = folder / "figures"
    history = History(result)
    drawn = [
        draw_curves(history, folder / "curves.png"),
        draw_restarts(history, folder / "restarts.png"),
        draw_gradients(history, folder / "gradients.png"),
        draw_activations(history, folder / "activations.png"),
    ]
    if data is not None and predict is not None:
        from minidl_plugins_experiments.figures.answers import draw_confusion, draw_predicted
        from minidl_plugins_experiments.figures.points import draw_points

        drawn += [
            draw_points(data, predict, folder / "points.png"),
            draw_confusion(data, predict, folder / "confusion.png"),
            draw_predicted(data, predict, folder / "predicted.png"),
        ]
    return [path for path in drawn if path is not None]


def draw_comparison(results: Sequence[tuple[str, Mapping[str, Any]]], path: Path) -> None:
    """Draw the curves of several runs, each with its name, into the file `path`.

    Raises:
        OSError: it could not be written.
    """
    from minidl_plugins_experiments.figures import comparison

    comparison.draw_comparison(results, path)


def draw_seeds(results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw how the last errors of runs from different seeds are spread, into the file `path`.

    Raises:
        OSError: it could not be written.
    """
    from minidl_plugins_experiments.figures import seeds

    seeds.draw_seeds(results, path)


def draw_sweep(summary: Mapping[str, Any], path: Path) -> None:
    """Draw the metric of a sweep against each swept value, into the file `path`.

    Raises:
        OSError: it could not be written.
    """
    from minidl_plugins_experiments.figures import sweep

    sweep.draw_sweep(summary, path)


def draw_groups(groups: Sequence[Group], path: Path) -> None:
    """Draw the test error of groups of runs over the epochs, into the file `path`.

    Raises:
        OSError: it could not be written.
    """
    from minidl_plugins_experiments.figures import groups as drawing

    drawing.draw_groups(groups, path)
