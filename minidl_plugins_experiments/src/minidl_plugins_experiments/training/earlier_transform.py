"""Data normalised as an earlier run's were, for its weights mean nothing to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.data.data import Data, Split
from minidl_plugins_experiments.data.noted_transform import noted_transform
from minidl_plugins_experiments.data.targets import Quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from minidl_plugins_experiments.data.transform import Transform
    from minidl_plugins_experiments.training.first_weights import EarlierRun

__all__ = ["as_earlier", "encoded_as_earlier"]


def as_earlier(data: Data, earlier: EarlierRun) -> Data:
    """Return `data` with inputs and targets that mean what they meant in the earlier run.

    A dataset fits its transformation to its own training part. Here it gives way to that of the
    earlier run: an input x, which is (value − μ) / σ, becomes (value − μ₀) / σ₀ with the μ₀ and σ₀
    of the earlier run.

    Raises:
        ConfigError: the columns are others, or are encoded in another way.
    """
    if data.train.x.ndim != 2 or data.train.y.ndim != 2 or not data.train.x.is_floating_point():
        return data  # nothing was normalised
    before = noted_transform(earlier.result["data"])
    now = noted_transform(
        {
            "notes": data.notes,
            "features": data.train.x.shape[1],
            "outputs": data.train.y.shape[1],
            "task": data.task,
        }
    )
    if before.tree() == now.tree():
        return data
    _check_alike(before, now, earlier)
    notes = {**data.notes}
    x = [None if split is None else split.x for split in _splits(data)]
    if before.tree()["columns"] != now.tree()["columns"]:  # numbers, a column an input
        old, new = _moments(before.columns), _moments(now.columns)
        x = [_rescaled(split, new, old, "x") for split in _splits(data)]
        notes["mean"], notes["std"] = (values.tolist() for values in old)
    y = [None if split is None else split.y for split in _splits(data)]
    targets = now.target, before.target
    if isinstance(targets[0], Quantity) and isinstance(targets[1], Quantity):
        scales = [
            (torch.tensor(target.mean).double(), torch.tensor(target.std).double())
            for target in (targets[0], targets[1])
        ]
        y = [_rescaled(split, scales[0], scales[1], "y") for split in _splits(data)]
        notes["target_mean"], notes["target_std"] = targets[1].mean[0], targets[1].std[0]
    if "transform" in notes:
        notes["transform"] = {
            **now.tree(),
            "columns": before.tree()["columns"],
            "target": (before if isinstance(targets[0], Quantity) else now).tree()["target"],
        }
    train, test, validation = (
        None if inputs is None or outputs is None else Split(inputs, outputs)
        for inputs, outputs in zip(x, y, strict=True)
    )
    assert train is not None
    assert test is not None
    return Data(train, test, data.task, validation, notes)


def encoded_as_earlier(data: Data, earlier: EarlierRun) -> Data:
    """Return a table's rows with the inputs that the encoders of the earlier run make of them.

    A word that the earlier run had not seen is what an unknown word is to it; the notes say so.
    """
    encoded = getattr(data, "encoded", None)
    if encoded is None:
        return data
    before, now = noted_transform(earlier.result["data"]), noted_transform({"notes": data.notes})
    names = [{column.name for column in transform.columns} for transform in (before, now)]
    if names[0] != names[1] or before.tree()["columns"] == now.tree()["columns"]:
        return data  # `as_earlier` says what does not fit
    again: Data = encoded(before.columns, [f"columns are encoded as in {earlier.folder}"])
    return again


def _check_alike(before: Transform, now: Transform, earlier: EarlierRun) -> None:
    if list(before.inputs) != list(now.inputs):
        raise ConfigError(
            f"the inputs are not those of {earlier.folder}: {_listed(now.inputs)} here, and "
            f"{_listed(before.inputs)} there; give the data the same columns",
            key="weights",
        )
    plain = all(
        column.kind == "number" and not getattr(column, "indicator", False)
        for columns in (before.columns, now.columns)
        for column in columns
    )
    if not plain and before.tree()["columns"] != now.tree()["columns"]:
        raise ConfigError(
            f"columns of {earlier.folder} are encoded in another way than these; name the columns' "
            "words and dates alike in both",
            key="weights",
        )
    classes = getattr(before.target, "classes", None), getattr(now.target, "classes", None)
    if classes[0] != classes[1] and not earlier.leave_out:
        raise ConfigError(
            f"the classes are {_listed(classes[1] or [])} here, and {_listed(classes[0] or [])} in "
            f"{earlier.folder}; give the last layer weights of its own: weights = {{ run = ..., "
            "leave_out = [its path] }",
            key="weights",
        )


def _splits(data: Data) -> list[Split | None]:
    return [data.train, data.test, data.validation]


def _moments(columns: Sequence[Any]) -> tuple[Tensor, Tensor]:
    return (
        torch.tensor([float(getattr(column, "mean", 0.0)) for column in columns]).double(),
        torch.tensor([float(getattr(column, "std", 1.0)) for column in columns]).double(),
    )


def _rescaled(
    split: Split | None, old: tuple[Tensor, Tensor], new: tuple[Tensor, Tensor], which: str
) -> Tensor | None:
    """Return x σ + μ, from `old`, as (x − μ) / σ of `new`, computed in float64."""
    if split is None:
        return None
    values: Tensor = getattr(split, which)
    mean, std, new_mean, new_std = (each.to(values.device) for each in (*old, *new))
    return ((values.double() * std + mean - new_mean) / new_std).to(values.dtype)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
