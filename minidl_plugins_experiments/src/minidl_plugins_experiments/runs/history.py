"""The metrics of a run as arrays: one row for each epoch, one column for each restart.

A value that is missing or was not finite is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["History"]


class History:
    """The curves of a run, from the content of its ``result.json``.

    Attributes:
        epochs: the number of each epoch.  (epochs,)
        restarts: how many restarts were trained.
        dead: the restarts that learned nothing, ascending.
        selected: the restart that was chosen, or None if every one diverged.
        units: what the activations did with the training rows, an entry for each.
        shares: whether errors are shares of the rows, as in a classification.
        baseline: the errors of the best constant and of a linear model, where they were computed.
        target: what a regression predicts, if its errors are not in the unit of that.
        kept_epoch: the epoch whose weights were kept.
    """

    def __init__(self, result: Mapping[str, Any]) -> None:
        self._records: Sequence[Mapping[str, Any]] = result.get("epochs") or []
        self.epochs: Array = np.array(
            [record.get("epoch", i + 1) for i, record in enumerate(self._records)], dtype=float
        )
        of_restarts = result.get("restarts") or {}
        known = [_width(record.get("train_loss")) for record in self._records]
        self.restarts = int(of_restarts.get("count") or max(known, default=1))
        self.dead = sorted(each for each in of_restarts.get("dead") or [] if each < self.restarts)
        self.selected: int | None = of_restarts.get("selected")
        if self.selected is None and self.restarts == 1:
            self.selected = 0
        self.units: Sequence[Mapping[str, Any]] = result.get("units") or []
        self.shares = _task(result) == "classification"
        model = result.get("model")
        self._layers: Mapping[str, str] = (model if isinstance(model, dict) else {}).get(
            "layers", {}
        )
        self.baseline: Mapping[str, Any] = result.get("baseline") or {}
        self.target: str | None = (result.get("final_in_units") or {}).get("target")
        kept = result.get("kept") or {}
        self.kept_epoch: int | None = kept.get("epoch")

    def curve(self, name: str) -> Array | None:
        """Return the metric `name`, such as ``test_error``; None if it was not measured."""
        curve = self._array([record.get(name) for record in self._records])
        return None if np.isnan(curve).all() else curve

    def last(self, name: str) -> Array | None:
        """Return the metric at the end of the run.  (restarts,)"""
        curve = self.curve(name)
        return None if curve is None else curve[-1]

    def final(self, name: str) -> float | None:
        """Return the metric of the selected restart at the end; None if it is not a number."""
        last = self.last(name)
        if last is None or self.selected is None or np.isnan(last[self.selected]):
            return None
        return float(last[self.selected])

    def gradient_norms(self) -> dict[str, Array]:
        """Return the norm of each parameter's gradient, by its name, in the order of the model."""
        names: dict[str, None] = {}
        for record in self._records:
            names.update(dict.fromkeys(record.get("gradient_norms") or {}))
        return {
            name: self._array(
                [(record.get("gradient_norms") or {}).get(name) for record in self._records]
            )
            for name in names
        }

    def layer_norms(self) -> dict[str, Array]:
        """Return the norm of each layer's gradient in the last step: weight and bias together."""
        layers: dict[str, Array] = {}
        for name, norms in self.gradient_norms().items():
            layer = name.rpartition(".")[0] or name
            layers[layer] = np.hypot(layers[layer], norms) if layer in layers else norms
        return layers

    def layer_bands(self) -> dict[str, tuple[Array, Array, Array]]:
        """Return low quartile, median and high quartile of each layer's norm over an epoch's steps.

        Runs of earlier versions have them of the last step alone: then all three are that.
        """
        bands = {}
        for layer, norms in self.layer_norms().items():
            of_layer = [(r.get("gradient_bands") or {}).get(layer) or {} for r in self._records]
            low, median, high = (
                self._array([each.get(kind) for each in of_layer])
                for kind in ("low", "median", "high")
            )
            bands[layer] = (norms,) * 3 if np.isnan(median).all() else (low, median, high)
        return bands

    def layer_name(self, layer: str) -> str:
        """Return what a figure calls a layer: ``0.2 Linear 25→25``."""
        described = self._layers.get(layer, "")
        return f"{layer} {described.replace(' → ', '→').replace('(', ' ').rstrip(')')}".strip()

    def _array(self, rows: Sequence[Any]) -> Array:
        array = np.full((len(rows), self.restarts), np.nan)
        for row, values in zip(array, rows, strict=True):
            several = values if isinstance(values, (list, tuple)) else [values]
            numbers = [np.nan if value is None else float(value) for value in several]
            row[: len(numbers)] = numbers[: self.restarts]
        array[~np.isfinite(array)] = np.nan
        return array


def _width(values: Any) -> int:
    return len(values) if isinstance(values, (list, tuple)) else 1


def _task(result: Mapping[str, Any]) -> str:
    """Return the task of the run; a classification if it does not say."""
    data = result.get("data")
    if "task" in result:
        return str(result["task"])
    if isinstance(data, dict) and "task" in data:
        return str(data["task"])
    return "classification"
