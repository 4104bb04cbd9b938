"""What a result is worth: beside simple models, on the test set, and in the target's unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl_core import MinidlError
from minidl_plugins_experiments.data.noted_transform import noted_transform
from minidl_plugins_experiments.data.targets import Quantity
from minidl_plugins_experiments.runs.formatting import format_error
from minidl_plugins_experiments.runs.history import History

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["errors_in_units", "honest_warnings"]

RISE = 1.1  # a loss that rose to more than this times its lowest value has risen
EARLY = 0.8  # the lowest value came before this share of the epochs


def honest_warnings(result: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each reason to trust a result less than it looks.

    Args:
        result: the content of the run's ``result.json``.
    """
    return [*_baselines(result), *_chosen_on_test(result), *_overfitting(result)]


def _baselines(result: Mapping[str, Any]) -> Iterator[str]:
    task, baseline = result["data"]["task"], result.get("baseline") or {}
    error = result["final"].get("test_error")
    if error is None:
        return
    for name, words in (
        ("constant", "always giving the same best answer"),
        ("linear", "a linear model trained the same way"),
    ):
        theirs = (baseline.get(name) or {}).get("test_error")
        if theirs is not None and theirs <= error:
            yield (
                f"{words} is as good: test error {format_error(theirs, task)}, and this model has "
                f"{format_error(error, task)}"
            )
            return


def _chosen_on_test(result: Mapping[str, Any]) -> Iterator[str]:
    kept = result.get("kept") or {}
    if kept.get("by") == "test_loss":
        yield (
            f"the test set chose epoch {kept['epoch']}, so the test error is lower than that of "
            'new rows would be; choose on a validation set: stop.on = "validation_loss"'
        )


def _overfitting(result: Mapping[str, Any]) -> Iterator[str]:
    """A loss of rows that were not trained on that rises while the training loss falls."""
    if (result.get("configuration") or {}).get("stop"):
        return  # the best epoch is kept, and what came after it does not matter
    history = History(result)
    train, which = history.curve("train_loss"), "validation"
    other = history.curve("validation_loss")
    if other is None:
        other, which = history.curve("test_loss"), "test"
    restart = history.selected
    if train is None or other is None or restart is None or len(train) < 5:
        return
    train, other = train[:, restart], other[:, restart]
    if not (np.isfinite(train).all() and np.isfinite(other).all()):
        return
    lowest = int(other.argmin())
    if (
        lowest + 1 <= EARLY * len(other)
        and other[-1] > RISE * other[lowest]
        and train[-1] < train[lowest]
    ):
        cure = "stop = { patience = 10 }"
        more = "" if which == "validation" else ", with data.validation = 0.2 to choose on"
        yield (
            f"the model overfits: its {which} loss was lowest in epoch "
            f"{int(history.epochs[lowest])} ({other[lowest]:.3g}) and rose to {other[-1]:.3g}, "
            f"while the training loss fell from {train[lowest]:.3g} to {train[-1]:.3g}; keep the "
            f"best epoch: {cure}{more}; or train a smaller model, or on more rows"
        )


def errors_in_units(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the final errors of a regression in the unit of its target, and the target's name.

    None if the errors are in that unit already, or there are several targets of different scale.
    """
    if result["data"]["task"] != "regression":
        return None
    try:
        target = noted_transform(result["data"]).target
    except MinidlError:
        return None
    if not isinstance(target, Quantity) or len(set(target.std)) != 1 or target.std[0] == 1.0:
        return None
    errors = {
        name: value * target.std[0]
        for name, value in result["final"].items()
        if name.endswith("_error") and value is not None
    }
    return {"target": target.name, **errors}
