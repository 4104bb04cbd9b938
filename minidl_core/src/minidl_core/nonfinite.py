"""Where a NaN or an infinity in the loss comes from, found after the fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core.errors import NonFiniteError
from minidl_core.sequential import Sequential

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_core.protocols import Loss, Module

__all__ = ["nonfinite_error"]


def nonfinite_error(
    index: int, model: Module, loss: Loss, inputs: tuple[Any, ...], target: Tensor, value: Tensor
) -> NonFiniteError:
    """The error for a loss `value` that is no number; its path is the first place to blame.

    What the forward pass kept is let go, and it is done again in evaluation mode.
    """
    model.eval()
    loss.eval()
    if not _finite(inputs):
        path, cause = [f"train › batch {index}"], "the input has NaN or infinite elements"
    elif not _finite(target):
        path, cause = [f"train › batch {index}"], "the target has NaN or infinite elements"
    else:
        _, found = _search(model, inputs, [])
        path, cause = found or ([repr(loss)], "prediction and target are finite; it overflowed")
    model.train()
    loss.train()
    error = NonFiniteError(
        f"{cause}. The loss of step {index} is {value.tolist()}; this step changed no parameter. "
        "Clean the data, lower the learning rate, or start from other weights"
    )
    error.path = path
    return error


def _search(
    module: Module, inputs: tuple[Any, ...], path: list[str]
) -> tuple[tuple[Any, ...], tuple[list[str], str] | None]:
    """The outputs of `module`, and the first place in it, if any, that is not finite."""
    if isinstance(module, Sequential):
        for index, child in enumerate(module):
            step = f"{type(module).__name__}[{index}]"
            inputs, found = _search(child, inputs, [*path, step])
            if found:
                return inputs, found
        return inputs, None
    path = [*path, repr(module)]
    if not _finite([parameter.value for parameter in module.param()]):
        return inputs, (path, "a parameter has NaN or infinite elements: an earlier step diverged")
    output = module.forward(*inputs)
    outputs = output if type(output) is tuple else (output,)
    if not _finite(outputs):
        return outputs, (path, "its output is the first that has NaN or infinite elements")
    return outputs, None


def _finite(tensors: Any) -> bool:
    several = tensors if isinstance(tensors, (tuple, list)) else (tensors,)
    return all(bool(x.isfinite().all()) for x in several if hasattr(x, "isfinite"))
