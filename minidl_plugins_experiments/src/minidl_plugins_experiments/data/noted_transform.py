"""The transform of a dataset, from the facts that it noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments.data.encoders import Number
from minidl_plugins_experiments.data.targets import Classes, Quantity
from minidl_plugins_experiments.data.transform import Transform, transform_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minidl_plugins_experiments.data.targets import Target

__all__ = ["noted_transform"]


def noted_transform(data: Mapping[str, Any]) -> Transform:
    """Return the transform of the data that the key ``data`` of a result describes.

    A dataset that notes no transform has one number for each input: the notes ``features``,
    ``mean`` and ``std`` say what they are called and how they were normalised. What is not noted
    was not normalised, and is called by its place.

    Raises:
        MinidlError: the transform cannot be read.
    """
    notes = data["notes"]
    if "transform" in notes:
        return transform_of(notes["transform"])
    count = data["features"]
    names = notes.get("features") or [str(index) for index in range(count)]
    mean, std = notes.get("mean") or [0.0] * count, notes.get("std") or [1.0] * count
    return Transform(list(map(Number, names, mean, std)), _target(data), names, "features" in notes)


def _target(data: Mapping[str, Any]) -> Target:
    notes, outputs = data["notes"], data["outputs"]
    name = notes.get("target") or "prediction"
    if data["task"] == "classification":
        count = max(outputs, 2)
        return Classes(name, notes.get("classes") or [str(index) for index in range(count)])
    names = [name] if outputs == 1 else [f"{name} {index}" for index in range(outputs)]
    mean, std = notes.get("target_mean", 0.0), notes.get("target_std", 1.0)
    return Quantity(names, [mean] * outputs, [std] * outputs)
