"""Checks before training: the device, and a sample through model and loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import MinidlError
from minidl_plugins_experiments.config.data_checks import rows_as_text
from minidl_plugins_experiments.config.problems import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_core import Loss
    from minidl_plugins_experiments.config.building import Node

__all__ = ["checked_pass", "device_of"]


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


def checked_pass(
    node: Node,
    loss: Loss,
    loss_key: str,
    x: torch.Tensor,
    y: torch.Tensor,
    check: Callable[[torch.Tensor], None] = lambda _: None,
) -> torch.Tensor:
    """Take `x` and `y` forward and backward through model and loss, module by module.

    Args:
        check: raises a ConfigError for a prediction that does not fit the data.

    Returns:
        The prediction for `x`.

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
    check(prediction)
    indices = not y.is_floating_point()
    shapes = (
        f"for {len(x)} rows of {rows_as_text(x)} the model gives {tuple(prediction.shape)} of "
        f"{str(prediction.dtype).removeprefix('torch.')}, and a target is {rows_as_text(y)}"
        f"{': class indices, for a loss such as CrossEntropyLoss' if indices else ''}"
    )
    try:
        value = loss.forward(prediction, y)
        grad = loss.backward()
    except Exception as error:
        raise ConfigError(
            f"{_message_of(error)} ({shapes})",
            key=loss_key if indices or prediction.shape == y.shape else "model",
        ) from error
    if not isinstance(value, torch.Tensor) or value.numel() != 1:
        raise ConfigError(
            f"the loss must be one number, got {value!r}; its author must correct that",
            key=loss_key,
        )
    _backward(node, (grad,))
    return prediction


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
