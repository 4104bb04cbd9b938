"""A parameter: a tensor and the accumulator of its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core.changes import changes
from minidl_core.errors import ParameterError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

__all__ = ["Parameter"]


class Parameter:
    """The pair (value, grad), of one shape, dtype and device.

    It unpacks: ``for value, grad in model.param(): value -= lr * grad``. `backward` adds to
    `grad` in place; an optimizer changes `value` in place. Two modules share a weight by
    holding the same `Parameter` object.

    Args:
        value: a floating-point tensor that records no graph.
        grad: its gradient so far; zeros when left out.

    Raises:
        ParameterError: `value` or `grad` is not such a tensor, or they differ in dtype or device.
        ShapeError: `value` and `grad` differ in shape.
    """

    __slots__ = ("grad", "value")

    def __init__(self, value: Tensor, grad: Tensor | None = None) -> None:
        _check_tensor(value, "value")
        if grad is None:
            grad = value.new_zeros(value.shape)
        _check_tensor(grad, "grad")
        if grad.shape != value.shape:
            raise ShapeError(
                f"a parameter of shape {tuple(value.shape)} needs a gradient of the same shape, "
                f"got {tuple(grad.shape)}"
            )
        if (grad.dtype, grad.device) != (value.dtype, value.device):
            raise ParameterError(
                f"a parameter of {value.dtype} on {value.device} needs a gradient of the same, "
                f"got {grad.dtype} on {grad.device}"
            )
        self.value = value
        self.grad = grad

    def __setattr__(self, name: str, tensor: Tensor) -> None:
        if getattr(self, name, None) is not tensor:
            changes.structure += 1
        super().__setattr__(name, tensor)

    def __iter__(self) -> Iterator[Tensor]:
        yield self.value
        yield self.grad

    def __repr__(self) -> str:
        return f"Parameter{tuple(self.value.shape)}"


def _check_tensor(tensor: Tensor, role: str) -> None:
    """Refuse what is no tensor, without importing a tensor library to ask."""
    if not hasattr(tensor, "new_zeros"):
        raise ParameterError(
            f"the {role} of a parameter must be a torch.Tensor, got {type(tensor).__name__}; "
            "wrap numbers and arrays with torch.as_tensor"
        )
    if not tensor.is_floating_point():
        raise ParameterError(
            f"the {role} of a parameter must be of a floating-point dtype, got {tensor.dtype}; "
            "convert it with .to(torch.float32)"
        )
    if tensor.requires_grad:
        raise ParameterError(
            f"the {role} of a parameter must not record a graph: minidl's gradients are explicit; "
            "pass tensor.detach()"
        )
