"""Checks of the data before training: shapes, dtypes, and whether every number is finite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import torch

from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.data.data import Data, Split

if TYPE_CHECKING:
    from minidl_plugins_experiments.config.experiment import Experiment

__all__ = ["checked_data", "rows_as_text"]

TASKS = get_args(Data.__annotations__["task"]) or ("classification", "regression")


def checked_data(data: Any, experiment: Experiment, device: torch.device) -> Data:
    """Return what a dataset returned as a `Data` on `device`.

    Raises:
        ConfigError: it is empty, not finite, too small for one batch, or its splits differ in
            their columns.
    """
    key, name = experiment.data.key, experiment.data.name
    missing = [each for each in ("train", "test", "task") if not hasattr(data, each)]
    if missing:
        raise ConfigError(
            f"the dataset {name} must give something with train, test and task, got "
            f"{type(data).__name__} without {', '.join(missing)}; its author must correct that",
            key=key,
        )
    if data.task not in TASKS:
        raise ConfigError(
            f"the dataset {name} must give one of the tasks {', '.join(TASKS)}, got {data.task!r}; "
            "its author must correct that",
            key=key,
        )
    dtype = getattr(torch, experiment.dtype)
    indices = data.task == "classification"

    def checked(split: Any, which: str) -> Split:
        what = f"{name}: the {which} set"
        x, y = _checked_tensors(split, what, key)
        inputs = x.detach().to(device, torch.long if _is_whole(x) else dtype)
        targets = y.detach().to(device, torch.long if indices and _is_whole(y) else dtype)
        return Split(inputs, targets)

    train, test = checked(data.train, "training"), checked(data.test, "test")
    validation = getattr(data, "validation", None)
    if validation is not None:
        validation = checked(validation, "validation")
    for what, split in (("test", test), ("validation", validation)):
        if split is not None:
            _check_alike(train, split, f"{name}: the training set and the {what} set", key)
    if experiment.batch_size > len(train.x):
        raise ConfigError(
            f"a batch of {experiment.batch_size} is larger than the training set of "
            f"{len(train.x)} rows; write batch_size = {len(train.x)} or less",
            key="batch_size",
        )
    if experiment.select_on == "validation_loss" and validation is None:
        raise ConfigError(
            f"the dataset {name} gives no validation set to select on; ask it for one (for example "
            f'{key}.validation = 0.2, if it takes that), or write select_on = "train_loss"',
            key="select_on",
        )
    return Data(train, test, data.task, validation, dict(getattr(data, "notes", None) or {}))


def rows_as_text(rows: torch.Tensor) -> str:
    """Return the shape and dtype of one row: ``1 × 8 × 8 float32``."""
    shape = " × ".join(map(str, rows.shape[1:])) or "one"
    return f"{shape} {str(rows.dtype).removeprefix('torch.')}"


def _checked_tensors(split: Any, what: str, key: str) -> tuple[torch.Tensor, torch.Tensor]:
    try:
        x, y = split.x, split.y
    except AttributeError:
        x = y = None
    if not isinstance(x, torch.Tensor) or not isinstance(y, torch.Tensor):
        raise ConfigError(
            f"{what} must have the tensors x and y, got {type(split).__name__}; "
            "the dataset's author must correct that",
            key=key,
        )
    if x.is_complex() or y.is_complex():
        raise ConfigError(
            f"{what} must hold real numbers, got x of {x.dtype} and y of {y.dtype}; the dataset's "
            "author must correct that",
            key=key,
        )
    if not x.ndim or not y.ndim or len(x) != len(y):
        raise ConfigError(
            f"{what} must be x (n, …) and y (n, …) with a target for each input, got "
            f"{tuple(x.shape)} and {tuple(y.shape)}; the dataset's author must correct that",
            key=key,
        )
    if not x.numel() or not y.numel():
        raise ConfigError(
            f"{what} is empty: x {tuple(x.shape)}, y {tuple(y.shape)}; give it more rows", key=key
        )
    for role, tensor in (("inputs", x), ("targets", y)):
        bad = (~tensor.isfinite()).reshape(len(tensor), -1).any(1).nonzero().flatten()
        if len(bad):
            raise ConfigError(
                f"{what} has NaN or infinite {role} in {len(bad)} of {len(tensor)} rows, first in "
                f"row {bad[0].item()}; clean the data",
                key=key,
            )
    return x, y


def _is_whole(tensor: torch.Tensor) -> bool:
    return not tensor.is_floating_point() and tensor.dtype != torch.bool


def _check_alike(train: Split, other: Split, what: str, key: str) -> None:
    for role, a, b in (("inputs", train.x, other.x), ("targets", train.y, other.y)):
        if a.shape[1:] != b.shape[1:] or a.dtype != b.dtype:
            raise ConfigError(
                f"{what} differ in their {role}: a row is {rows_as_text(a)} and {rows_as_text(b)}; "
                "give both the same",
                key=key,
            )
