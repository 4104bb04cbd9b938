"""The base class of activations that act on each element by itself."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from minidl_core import (
    ArgumentError,
    BaseModule,
    DtypeError,
    Example,
    check_grad_output,
    check_no_graph,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Elementwise", "check_input", "check_not_inplace"]


class Elementwise(BaseModule):
    """Y = f(X), element by element, for an X of any shape.

    A subclass writes f as `value` and its derivative f' as `slope`. Where torch has the product of
    the gradient and f' as one operation, `backward_of` uses it instead; `slope` is then the plain
    version that the tests compare it with.
    """

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        check_input(self, x)
        self.push(x)
        return self.value(x)

    # dX = dY f'(X)
    def backward(self, grad_output: Tensor) -> Tensor:
        x: Tensor = self.pop()
        check_grad_output(self, grad_output, x.shape)
        return self.backward_of(grad_output, x)

    @abstractmethod
    def value(self, x: Tensor) -> Tensor:
        """Return f(x)."""

    @abstractmethod
    def slope(self, x: Tensor) -> Tensor:
        """Return f'(x)."""

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        """Return dY f'(X)."""
        return dy * self.slope(x)

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example(shapes=[(4, 3)]), Example(shapes=[(2, 3, 2)])]


def check_input(layer: object, x: Tensor) -> None:
    """Refuse an input of whole numbers, and one that records a graph.

    Raises:
        DtypeError: the input is not of a floating-point dtype.
        ParameterError: it records a graph of torch's autograd.
    """
    check_no_graph(layer, "input", x)
    if not x.is_floating_point():
        raise DtypeError(
            f"expected an input of a floating-point dtype, got {x.dtype}; convert it: x.float()",
            where=layer,
        )


def check_not_inplace(layer: object, inplace: bool) -> None:
    """Refuse ``inplace=True``: a forward that overwrites its input breaks the layer before it."""
    if inplace:
        raise ArgumentError(
            "inplace=True is not supported, because the layer before may need what would be "
            "overwritten; leave inplace out: the values are the same",
            where=type(layer).__name__,
        )
