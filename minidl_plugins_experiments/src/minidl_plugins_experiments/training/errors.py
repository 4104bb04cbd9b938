"""The error of a model: the share of wrong answers, or the root of the mean squared difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from minidl_plugins_experiments.config.problems import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_core import Loss
    from minidl_plugins_experiments.data.data import Data

__all__ = ["LOGITS", "ErrorMeasure", "check_classes", "class_counts"]

# Losses of one output or several, each of which says yes above zero.
LOGITS = ("BCEWithLogitsLoss", "MultiLabelSoftMarginLoss")


@dataclass(frozen=True)
class ErrorMeasure:
    """What the error of a run is.

    ==============================  =================================================
    task and targets                error
    ==============================  =================================================
    classification, whole numbers   share of targets that are not the largest output's
                                    class; what the loss ignores does not count
    classification, one column      share of rows on the wrong side of the border
    classification, one-hot         share of rows whose largest output is another's
    regression                      √ mean (prediction − target)², in the target's unit
    ==============================  =================================================

    Attributes:
        task: ``"classification"`` or ``"regression"``.
        dim: where the loss has the classes, if it says so.
        ignored: the class index that the loss ignores, if it does.
        border: above it, a single output says yes: 0 for a loss of logits, else ½.
    """

    task: str
    dim: int | None = None
    ignored: int | None = None
    border: float = 0.5

    @classmethod
    def of(cls, task: str, loss: Loss) -> ErrorMeasure:
        """Return the measure that fits `task` and `loss`."""
        logits = type(loss).__name__ in LOGITS
        dim, ignored = getattr(loss, "dim", None), getattr(loss, "ignore_index", None)
        return cls(
            task,
            dim if isinstance(dim, int) else None,
            ignored if isinstance(ignored, int) else None,
            0.0 if logits else 0.5,
        )

    def __call__(self, prediction: Tensor, y: Tensor, models: tuple[int, ...] = ()) -> Tensor:
        """Return one error for each of the stacked `models`.  (K, n, …), (n, …) -> (K,)"""
        each = prediction.reshape(-1, *prediction.shape[len(models) :])
        return torch.stack([self._of_one(one, y) for one in each])

    def class_dim(self, prediction: Tensor) -> int:
        """Return where the classes are in the `prediction` of one model."""
        dim = self.dim if self.dim is not None else min(1, prediction.ndim - 1)
        return dim % prediction.ndim

    def counts(self, prediction: Tensor, y: Tensor) -> bool:
        """Return whether `y` says the class of each place of `prediction`, if it is indices."""
        shape = list(prediction.shape)
        del shape[self.class_dim(prediction)]
        return y.is_floating_point() or shape[1:] == list(y.shape[1:])

    def _of_one(self, prediction: Tensor, y: Tensor) -> Tensor:
        if self.task == "regression":
            return (prediction - y).float().square().mean().sqrt()
        if not y.is_floating_point():
            wrong = prediction.argmax(self.class_dim(prediction)) != y
            counted = y != (-1 if self.ignored is None else self.ignored)
            return (wrong & counted).sum() / counted.sum()
        if y.ndim == 1 or y.shape[1] == 1:
            return ((prediction > self.border) != (y > 0.5)).float().mean()
        return (prediction.argmax(1) != y.argmax(1)).float().mean()


def class_counts(y: Tensor) -> Tensor:
    """Return how often each class is the target; one column stands for no and yes."""
    if not y.is_floating_point():
        return torch.bincount(y[y >= 0])
    if y.ndim == 1 or y.shape[1] == 1:
        yes = (y > 0.5).sum()
        return torch.stack([y.numel() - yes, yes])
    return (y > 0.5).transpose(0, 1).flatten(1).sum(1)


def check_classes(measure: ErrorMeasure, prediction: Tensor, data: Data, key: str) -> None:
    """Check that the model has an output for each class index in `data`, if they fit at all.

    Raises:
        ConfigError: it has not, or an index is negative.
    """
    if data.train.y.is_floating_point() or not measure.counts(prediction, data.train.y):
        return
    count = prediction.shape[measure.class_dim(prediction)]
    for name in ("train", "validation", "test"):
        split = getattr(data, name)
        if split is None:
            continue
        y = split.y[split.y != (-1 if measure.ignored is None else measure.ignored)]
        bad = y[(y < 0) | (y >= count)]
        if len(bad):
            raise ConfigError(
                f"the model has outputs for the classes 0 to {count - 1}, and a target of the "
                f"{'training' if name == 'train' else name} set is {bad[0].item()}; give the last "
                f"layer {int(y.max()) + 1} outputs, or correct the targets",
                key=key,
            )
