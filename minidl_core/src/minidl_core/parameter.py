"""A parameter: a value and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core.errors import ParameterError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

__all__ = ["Parameter"]


class Parameter:
    """The pair (value, grad), of one shape, dtype and device.

    It unpacks: ``for value, grad in model.param(): value -= lr * grad``. `backward` adds to
    `grad` in place; an optimizer changes `value` in place. Two modules share a weight by
    holding the same `Parameter` object. A value of another shape, dtype or device may be assigned;
    the gradient then becomes zeros like it.

    Args:
        value: a floating-point tensor that records no graph.
        grad: its gradient so far; zeros when left out.
        decays: whether weight decay applies to it.
        trainable: whether optimizers change it.

    Raises:
        ParameterError: `value` or `grad` is not such a tensor, or they differ in dtype or device.
        ShapeError: `value` and `grad` differ in shape.
    """

    __slots__ = ("__weakref__", "decays", "grad", "trainable", "value")

    value: Tensor
    grad: Tensor
    decays: bool
    trainable: bool

    def __init__(
        self,
        value: Tensor,
        grad: Tensor | None = None,
        *,
        decays: bool = True,
        trainable: bool = True,
    ) -> None:
        self.value = value
        if grad is not None:
            self.grad = grad
        self.decays = decays
        self.trainable = trainable

    def __setattr__(self, name: str, new: Any) -> None:
        if name == "value":
            _check_tensor(new, "value")
            grad = getattr(self, "grad", None)
            if grad is None or not _alike(grad, new):
                super().__setattr__("grad", new.new_zeros(new.shape))
        elif name == "grad":
            self._check_grad(new)
        super().__setattr__(name, new)

    def _check_grad(self, grad: Any) -> None:
        if grad is None:
            raise ParameterError(
                "the gradient of a parameter cannot be None: backward adds to it; write "
                "parameter.grad.zero_() to clear it"
            )
        _check_tensor(grad, "grad")
        value = getattr(self, "value", grad)  # a copy is given its gradient first
        if grad.shape != value.shape:
            raise ShapeError(
                f"a parameter of shape {tuple(value.shape)} needs a gradient of the same shape, "
                f"got {tuple(grad.shape)}"
            )
        if not _alike(grad, value):
            raise ParameterError(
                f"a parameter of {value.dtype} on {value.device} needs a gradient of the same, "
                f"got {grad.dtype} on {grad.device}"
            )

    def __iter__(self) -> Iterator[Tensor]:
        yield self.value
        yield self.grad

    def __repr__(self) -> str:
        return f"Parameter{tuple(self.value.shape)}"


def _alike(a: Tensor, b: Tensor) -> bool:
    return bool((a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device))


def _check_tensor(tensor: Any, role: str) -> None:
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
