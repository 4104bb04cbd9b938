"""The points of the plane, and the rows that the selected restart gets wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_inspect.snapshots.boundary import ROWS_AT_ONCE, labels_of
from minidl_plugins_inspect.snapshots.layers import rounded

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["misclassified", "points_of"]

MOST_POINTS = 1000  # of each split that the report draws
MOST_ROWS = 100  # of each split that the report lists
MOST_FEATURES = 12


def points_of(data: Any) -> dict[str, Any]:
    """Return the points of the training and the test set, with their classes."""
    return {
        name: {
            "x": [[rounded(value) for value in row] for row in split.x[:MOST_POINTS].tolist()],
            "label": labels_of(split.y[:MOST_POINTS]).tolist(),
        }
        for name, split in (("train", data.train), ("test", data.test))
    }


def misclassified(data: Any, model: Any, measure: Any) -> dict[str, Any]:
    """Return the rows that `model`, in evaluation mode, gets wrong, and how many there are.

    The features are in the units of the dataset, if its notes say how they were standardised.

    Args:
        measure: the run's, whose `border` decides a single output, and whose `ignored` is a class
            index that is none, as negative ones are.
    """
    notes = data.notes
    width = data.train.x[0].numel()
    names = list(notes.get("features") or [f"x{i + 1}" for i in range(width)])
    result: dict[str, Any] = {
        "features": [str(name) for name in names[:MOST_FEATURES]],
        "more_features": max(0, width - MOST_FEATURES),
        "counts": {},
        "rows": [],
    }
    for name in ("train", "validation", "test"):
        split = getattr(data, name)
        if split is None:
            continue
        predicted, label = labels_of(_outputs(model, split.x), measure.border), labels_of(split.y)
        counts = (label >= 0) & (label != (-1 if measure.ignored is None else measure.ignored))
        wrong = ((predicted != label) & counts).nonzero().reshape(-1)
        result["counts"][name] = [int(wrong.numel()), int(counts.sum())]
        for row in wrong[:MOST_ROWS].tolist():
            result["rows"].append(
                {
                    "split": name,
                    "row": row,
                    "x": _plain(split.x[row], notes)[:MOST_FEATURES],
                    "label": int(label[row]),
                    "predicted": int(predicted[row]),
                }
            )
    return result


def _outputs(model: Any, x: Tensor) -> Tensor:
    return torch.cat([model.forward(part) for part in torch.split(x, ROWS_AT_ONCE)])


def _plain(x: Tensor, notes: Any) -> list[float | None]:
    values: list[float] = x.reshape(-1).tolist()
    mean, std = notes.get("mean"), notes.get("std")
    if mean and std and len(mean) == len(std) == len(values):
        values = [v * s + m for v, m, s in zip(values, mean, std, strict=True)]
    return [rounded(value) for value in values]
