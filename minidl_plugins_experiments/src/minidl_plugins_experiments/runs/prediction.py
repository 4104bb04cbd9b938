"""Predictions as their user reads them: labels or quantities, and probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from minidl_plugins_experiments.data.targets import Classes
from minidl_plugins_experiments.training.errors import LOGITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from minidl_plugins_experiments.data.targets import Target

__all__ = ["Predictions", "predictions_of", "probabilities_of"]

# Losses that are least, in the mean, where the outputs are these functions of the probabilities.
PROBABILITIES = ("MSELoss", "BCELoss")


class Predictions(NamedTuple):
    """What a model says of each row.

    Attributes:
        values: the class of each row, or its quantity (a list of them for several outputs).
        probabilities: the probability of each class, (n,) by its name; None of a regression, or
            if the outputs are no probabilities.
        outputs: the model's outputs as they are.  (n, outputs)
        notes: what the user should know about the rows.
    """

    values: list[Any]
    probabilities: dict[str, Tensor] | None
    outputs: Tensor
    notes: list[str]


def predictions_of(
    outputs: Tensor, target: Target, result: Mapping[str, Any], notes: list[str]
) -> Predictions:
    """Return what `outputs` mean, for the run that `result` describes.  (n, outputs)"""
    if not isinstance(target, Classes):
        quantities = target.decode(outputs)
        values = quantities[:, 0] if quantities.shape[1] == 1 else quantities
        return Predictions(values.tolist(), None, outputs, notes)
    loss = next(each for each in result["components"] if each["kind"] == "losses")
    ours = loss["distribution"].startswith("minidl-")
    shares = probabilities_of(outputs, loss["name"] if ours else "")
    if shares is None:
        notes = [*notes, f"no probabilities: the outputs under {loss['name']} are none"]
        return Predictions(target.decode(outputs), None, outputs, notes)
    decisive = shares[:, 1:] if outputs.shape[1] == 1 else outputs  # one output may be a logit
    probabilities = dict(zip(target.classes, shares.unbind(1), strict=True))
    return Predictions(target.decode(decisive), probabilities, outputs, notes)


def probabilities_of(outputs: Tensor, loss: str) -> Tensor | None:
    """Return the probability of each class in float64, or None if the outputs do not say it.

    A cross-entropy is least where the softmax of the outputs is the probabilities, and the mean
    squared error of one-hot targets where the outputs themselves are. They need not be between 0
    and 1, nor add up to 1: negative ones count as 0, and each row is divided by its sum.

    Args:
        loss: the name of the loss that the model was trained with.

    (n, classes) -> (n, classes), or (n, 1) -> (n, 2)
    """
    z = outputs.double()
    if loss == "CrossEntropyLoss":
        return z.softmax(1)
    if loss == "NLLLoss":
        return z.exp() / z.exp().sum(1, keepdim=True)
    if loss in LOGITS:
        z = z.sigmoid()
    elif loss not in PROBABILITIES:
        return None
    if z.shape[1] == 1:
        z = z.clamp(0, 1)
        return torch.cat([1 - z, z], 1)
    z = z.clamp(min=0)
    total = z.sum(1, keepdim=True)
    even = torch.full_like(z, 1 / z.shape[1])
    return torch.where(total > 0, z / total.where(total > 0, 1.0), even)
