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
        self.decays, self.trainable = decays, trainable

    def __setattr__(self, name: str, new: Any) -> None:
        if getattr(self, name, self) is new:  # as after ``parameter.grad += …``
            return
        if name == "value":
            _check_tensor(new, "value")
            if not hasattr(self, "grad") or _kind(self.grad) != _kind(new):
                super().__setattr__("grad", new.new_zeros(new.shape))
        elif name == "grad":
            _check_tensor(new, "grad")
            value = getattr(self, "value", new)  # a copy is given its gradient first
            if new.shape != value.shape:
                raise ShapeError(
                    f"a parameter of shape {tuple(value.shape)} needs a gradient of the same shape,"
                    f" got {tuple(new.shape)}"
                )
            if _kind(new) != _kind(value):
                raise ParameterError(
                    f"a parameter of {value.dtype} on {value.device} needs a gradient of the same, "
                    f"got {new.dtype} on {new.device}"
                )
        super().__setattr__(name, new)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(f"Parameter has no {name!r}; ask its tensors: .value.{name}")

    def __iter__(self) -> Iterator[Tensor]:
        yield self.value
        yield self.grad

    def __repr__(self) -> str:
        return f"Parameter{tuple(self.value.shape)}"


def _kind(tensor: Tensor) -> tuple[object, ...]:
    return tensor.shape, tensor.dtype, tensor.device


def _check_tensor(tensor: Any, role: str) -> None:
    """Refuse what is no plain floating-point tensor, without importing a tensor library to ask."""
    if not hasattr(tensor, "new_zeros"):
        wanted, got = "be a torch.Tensor", type(tensor).__name__
        cure = "wrap numbers and arrays with torch.as_tensor, and clear a gradient with .zero_()"
    elif not tensor.is_floating_point() or tensor.is_nested or "strided" not in str(tensor.layout):
        wanted, got = "be dense, of a floating-point dtype", f"{tensor.dtype}, {tensor.layout}"
        cure = "convert it with .to(torch.float32) or .to_dense()"
    elif tensor.requires_grad:
        wanted, got = "not record a graph", "requires_grad=True"
        cure = "gradients here are explicit: pass tensor.detach()"
    else:
        return
    raise ParameterError(f"the {role} of a parameter must {wanted}, got {got}; {cure}")
