"""The residual block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import BaseModule, Example, Sequential, ShapeError, check_grad_output
from minidl_plugins_nn.drawing import Source
from minidl_plugins_nn.linear import Linear
from minidl_plugins_nn.running_parts import check_modules, run, run_back

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from minidl_core import Module

__all__ = ["Residual"]


class Residual(BaseModule):
    """Y = S(X) + F(X), with a shortcut S that is the identity when left out.

    Shapes: X as F takes it; F(X) and S(X) alike.

    Args:
        inner: F, one module, such as a `Sequential`.
        shortcut: S, for an F that changes the shape; it runs after F.

    Raises:
        ArgumentError: an argument is not a module.
        ShapeError: F(X) and S(X) differ in shape; they are never broadcast.

    Reference: K. He et al., Deep residual learning for image recognition, CVPR 2016.
    """

    traceable = True

    def __init__(self, inner: Module, shortcut: Module | None = None) -> None:
        check_modules("Residual", inner=inner)
        if shortcut is not None:
            check_modules("Residual", shortcut=shortcut)
        self.inner = inner
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        f = run(self, "inner", self.inner, x)
        s = x if self.shortcut is None else run(self, "shortcut", self.shortcut, x)
        if f.shape != s.shape:
            raise ShapeError(
                f"expected inner to give the shape of the shortcut, {tuple(s.shape)}, got "
                f"{tuple(f.shape)}; give a shortcut that changes the shape as inner does",
                where=self,
            )
        self.push(f.shape)
        y: Tensor = s + f
        return y

    # Y = S(X) + F(X):  dX = S'(X)ᵀ dY + F'(X)ᵀ dY; the shortcut ran last, and is first here
    def backward(self, grad_output: Tensor) -> Tensor:
        check_grad_output(self, grad_output, self.pop())
        ds = grad_output
        if self.shortcut is not None:
            ds = run_back(self, "shortcut", self.shortcut, grad_output)
        dx: Tensor = ds + run_back(self, "inner", self.inner, grad_output)
        return dx

    @classmethod
    def examples(cls) -> list[Example]:
        def chain(generator: torch.Generator, dtype: torch.dtype) -> Residual:
            source = Source(generator, None, dtype)
            return cls(Sequential(Linear(3, 4, True, source), Linear(4, 3, True, source)))

        def projected(generator: torch.Generator, dtype: torch.dtype) -> Residual:
            source = Source(generator, None, dtype)
            return cls(Linear(3, 2, True, source), Linear(3, 2, False, source))

        return [Example(shapes=[(4, 3)], make=chain), Example(shapes=[(2, 4, 3)], make=projected)]
