"""Checks before training: the device, the data, and one sample through model and loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import torch

from minidl_core import MinidlError
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.data.data import Data, Split

if TYPE_CHECKING:
    from minidl_core import Loss
    from minidl_plugins_experiments.config.building import Node
    from minidl_plugins_experiments.config.experiment import Experiment

__all__ = ["checked_data", "checked_pass", "device_of"]

TASKS = get_args(Data.__annotations__["task"]) or ("classification", "regression")


def device_of(name: str) -> torch.device:
    """Return the device of that name.

    Raises:
        ConfigError: this machine has no such device.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).add_(1).item()
        torch.Generator(device)
    except Exception as error:  # torch has a type for each of many reasons
        reason = str(error).splitlines()[0].rstrip(".")
        raise ConfigError(
            f'the device "{name}" cannot be used here ({reason}); write device = "cpu"',
            key="device",
        ) from error
    return device


# -- the data --------------------------------------------------------------------------------------


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
    train = _checked_split(data.train, f"{name}: the training set", key, dtype, device)
    test = _checked_split(data.test, f"{name}: the test set", key, dtype, device)
    validation = getattr(data, "validation", None)
    if validation is not None:
        validation = _checked_split(validation, f"{name}: the validation set", key, dtype, device)
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


def _checked_split(
    split: Any, what: str, key: str, dtype: torch.dtype, device: torch.device
) -> Split:
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
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise ConfigError(
            f"{what} must be x (n, features) and y (n, outputs), got {tuple(x.shape)} and "
            f"{tuple(y.shape)}; the dataset's author must correct that",
            key=key,
        )
    if not x.numel() or not y.numel():
        raise ConfigError(
            f"{what} is empty: x {tuple(x.shape)}, y {tuple(y.shape)}; give it more rows", key=key
        )
    for role, tensor in (("inputs", x), ("targets", y)):
        bad = (~tensor.isfinite()).any(1).nonzero().flatten()
        if len(bad):
            raise ConfigError(
                f"{what} has NaN or infinite {role} in {len(bad)} of {len(tensor)} rows, first in "
                f"row {bad[0].item()}; clean the data",
                key=key,
            )
    return Split(x.detach().to(device, dtype), y.detach().to(device, dtype))


def _check_alike(train: Split, other: Split, what: str, key: str) -> None:
    for role, a, b in (("inputs", train.x, other.x), ("targets", train.y, other.y)):
        if a.shape[1] != b.shape[1]:
            raise ConfigError(
                f"{what} differ in their {role}: {a.shape[1]} columns and {b.shape[1]}; "
                "give both the same columns",
                key=key,
            )


# -- one sample ------------------------------------------------------------------------------------


def checked_pass(node: Node, loss: Loss, loss_key: str, x: torch.Tensor, y: torch.Tensor) -> None:
    """Take `x` and `y` forward and backward through model and loss, module by module.

    Raises:
        ConfigError: something does not fit; its key names the module.
    """
    node.module.train()
    loss.train()
    prediction = _forward(node, (x,))
    if not isinstance(prediction, torch.Tensor):
        raise ConfigError(
            f"the model must give one tensor, got {type(prediction).__name__}; end it in a module "
            "that joins its branches",
            key=node.key,
        )
    what = f"for {len(x)} rows of {x.shape[1]} inputs the model gives {tuple(prediction.shape)}"
    try:
        value = loss.forward(prediction, y)
        grad = loss.backward()
    except Exception as error:
        raise ConfigError(
            f"{_message_of(error)} ({what}, and the data has {y.shape[1]} outputs)",
            key="model" if prediction.shape != y.shape else loss_key,
        ) from error
    if not isinstance(value, torch.Tensor) or value.numel() != 1:
        raise ConfigError(
            f"the loss must be one number, got {value!r}; its author must correct that",
            key=loss_key,
        )
    _backward(node, (grad,))


def _forward(node: Node, inputs: tuple[Any, ...]) -> Any:
    if node.children is None:
        return _called(node, node.module.forward, inputs)
    for child in node.children:
        output = _forward(child, inputs)
        inputs = output if type(output) is tuple else (output,)
    return inputs if len(inputs) != 1 else inputs[0]


def _backward(node: Node, grads: tuple[Any, ...]) -> Any:
    if node.children is None:
        return _called(node, node.module.backward, grads)
    for child in reversed(node.children):
        grad = _backward(child, grads)
        grads = grad if type(grad) is tuple else (grad,)
    return grads if len(grads) != 1 else grads[0]


def _called(node: Node, method: Any, arguments: tuple[Any, ...]) -> Any:
    try:
        return method(*arguments)
    except Exception as error:
        direction = "backward" if method.__name__ == "backward" else "forward"
        raise ConfigError(f"{direction} of a sample: {_message_of(error)}", key=node.key) from error


def _message_of(error: Exception) -> str:
    if isinstance(error, MinidlError):
        return str(error)
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason'}"
