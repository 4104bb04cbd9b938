"""The residual block with a learned scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from acme_nets.checks import check_alike, check_grad_output, check_records_no_graph, finite_number
from acme_nets.swish import Swish
from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    MinidlError,
    Module,
    Parameter,
    Sequential,
    ShapeError,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Residual"]


class Residual(BaseModule):
    """Y = X + α f(X), around any module f that keeps the shape of its input.

    The scale α is learned and starts at 0, so that the block starts as the identity: however deep
    a network of such blocks is, its signal and its gradient begin at full size (ReZero).

    Shapes: X, f(X) and Y alike, of any shape; α is one number, ().

    Args:
        inner: the module f.
        scale: where α starts.
        dtype: of α; torch's default dtype when left out.
        device: of α; torch's default when left out.

    Attributes:
        inner: the module f.
        scale: the `Parameter` α.

    Raises:
        ArgumentError: `inner` is no module, or `scale` is no finite number.
        ShapeError: f changes the shape of its input, or the gradient of the output has another
            shape than the output.
        DtypeError, DeviceError: the input differs from α.
        ParameterError: the input records a graph of torch's autograd.

    Reference: T. Bachlechner et al., ReZero is all you need: fast convergence at large depth,
    UAI 2021; the block without α is that of K. He et al., CVPR 2016.
    """

    traceable = True

    def __init__(
        self,
        inner: Module,
        scale: float = 0.0,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        if isinstance(inner, type) or not isinstance(inner, Module):
            raise ArgumentError(
                f"inner must be a module, got {inner!r}; put several into a Sequential",
                where="Residual",
            )
        scale = finite_number("Residual", "scale", scale)
        self.scale = Parameter(torch.tensor(float(scale), dtype=dtype, device=device))
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        check_records_no_graph(self, "input", x)
        check_alike(self, "input", x, "scale", self.scale.value)
        try:
            f: Tensor = self.inner.forward(x)
        except MinidlError as error:
            error.path.insert(0, "Residual[inner]")
            raise
        if f.shape != x.shape:
            raise ShapeError(
                f"expected an inner module that keeps the shape {tuple(x.shape)} of its input, "
                f"got an output of shape {tuple(f.shape)}; end it in a layer of the input's size",
                where="Residual[inner]",
            )
        self.push(f)
        return x + self.scale.value * f

    # Y = X + α f(X):  dα = Σ dY f(X),  df = α dY,  dX = dY + f'(X)ᵀ df
    def backward(self, grad_output: Tensor) -> Tensor:
        f: Tensor = self.pop()
        check_grad_output(self, grad_output, f.shape)
        self.scale.grad += (grad_output * f).sum()
        try:
            through_f: Tensor = self.inner.backward(self.scale.value * grad_output)
        except MinidlError as error:
            error.path.insert(0, "Residual[inner]")
            raise
        return grad_output + through_f

    def summary(self) -> str:
        return "Residual, scale: learned"

    @classmethod
    def examples(cls) -> list[Example]:
        def swish(dtype: torch.dtype, scale: float = 0.0) -> Residual:
            return cls(Swish(learned=True, dtype=dtype), scale, dtype=dtype)

        def nested(dtype: torch.dtype) -> Residual:
            chain = Sequential(swish(dtype, scale=0.5), Swish(2.0), swish(dtype))
            return cls(chain, scale=-0.7, dtype=dtype)

        return [
            Example(shapes=[(4, 3)], make=swish),
            Example({"scale": 1.0}, shapes=[(3, 2)], make=swish),
            Example(shapes=[(2, 3, 2)], make=nested),
        ]
