"""The decision of every restart over the plane, as text that is short."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

__all__ = [
    "DIGITS",
    "ROWS_AT_ONCE",
    "SIZE",
    "Grid",
    "has_one_class_a_row",
    "grid_of",
    "labels_of",
    "packed",
    "unpacked",
]

SIZE = 48  # points of the grid in each direction
ROWS_AT_ONCE = 1024
DIGITS = "abcdefghijklmnopqrstuvwxyz"  # one for each class


class Grid:
    """A grid over the points of a dataset with two features.

    Args:
        x: the points.  (n, 2)
        border: above it, a single output says yes.

    Attributes:
        corners: left, right, bottom and top of the picture, a little beyond the points.
    """

    def __init__(self, x: Tensor, border: float = 0.5) -> None:
        self._border = border
        low, high = x.amin(0).double().cpu(), x.amax(0).double().cpu()
        margin = torch.where(high > low, 0.04 * (high - low), 0.5)
        (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
        self.corners = [left, right, bottom, top]
        centres = (
            torch.arange(SIZE, dtype=torch.float64) + 0.5
        ) / SIZE  # of the cells, from 0 to 1
        across, down = left + (right - left) * centres, top - (top - bottom) * centres
        self.points = torch.cartesian_prod(down, across).flip(1).to(x)  # (SIZE², 2), rows from top

    def decisions(self, states: Iterable[Any]) -> list[str]:
        """Return what each restart says at each point, packed. The models are in evaluation."""
        decided = []
        for state in states:
            parts = [
                labels_of(state.model.forward(state.expand(part)), self._border)
                for part in torch.split(self.points, ROWS_AT_ONCE)
            ]
            labels = torch.cat(parts, dim=-1).reshape(state.restarts, -1)
            decided += [packed(row) for row in labels.tolist()]
        return decided


def grid_of(data: Any, border: float = 0.5) -> Grid | None:
    """Return the grid of a classification with two features and few classes; None for others."""
    x, y = data.train
    plane = x.ndim == 2 and x.shape[1] == 2 and x.is_floating_point()
    if not plane or not has_one_class_a_row(data):
        return None
    classes = y.shape[1] if y.is_floating_point() else int(max(y.max(), data.test.y.max())) + 1
    return Grid(torch.cat([x, data.test.x]), border) if classes <= len(DIGITS) else None


def has_one_class_a_row(data: Any) -> bool:
    """Whether every row has one class: one-hot, 0 or 1 in a column, or an index."""
    y = data.train.y
    return bool(data.task == "classification" and y.ndim == (2 if y.is_floating_point() else 1))


def labels_of(values: Tensor, border: float = 0.5) -> Tensor:
    """Return the class of each row: the largest column, or whether the only one is above `border`.

    Whole numbers are the classes.  (…, n, classes) -> (…, n), or (n,) -> (n,)
    """
    if not values.is_floating_point():
        return values
    if values.shape[-1] == 1:
        return (values[..., 0] > border).long()
    return values.argmax(-1)


def packed(labels: Sequence[int]) -> str:
    """Return `labels` in run lengths: ``[0, 0, 0, 1]`` becomes ``"3ab"``."""
    runs = ((label, sum(1 for _ in run)) for label, run in groupby(labels))
    return "".join(f"{count if count > 1 else ''}{DIGITS[label]}" for label, count in runs)


def unpacked(text: str) -> list[int]:
    """Return the labels that `packed` made `text` of."""
    labels: list[int] = []
    count = ""
    for letter in text:
        if letter.isdigit():
            count += letter
        else:
            labels += [DIGITS.index(letter)] * int(count or 1)
            count = ""
    return labels
