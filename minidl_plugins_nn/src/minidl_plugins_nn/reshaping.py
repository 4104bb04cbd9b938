"""Layers that only give an input another shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minidl_core import (
    ArgumentError,
    BaseModule,
    Example,
    ShapeError,
    check_grad_output,
    check_no_graph,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import Tensor

__all__ = ["Flatten", "Identity", "Unflatten"]


class _Reshape(BaseModule):
    """The input may hold whole numbers; its gradient, None, is passed on."""

    traceable = True

    def forward(self, x: Tensor) -> Tensor:
        check_no_graph(self, "input", x)
        y = self._reshape(x)
        self.push((x.shape, y.shape))
        return y

    # The same elements in the same order:  dX is dY in the shape of X.
    def backward(self, grad_output: Tensor | None) -> Tensor | None:
        shape, out = self.pop()
        if grad_output is None:
            return None
        check_grad_output(self, grad_output, out)
        return grad_output.reshape(shape)

    def _reshape(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class Identity(_Reshape):
    """Y = X: a layer that does nothing, where a layer is asked for.

    Args:
        args, kwargs: anything; it is not used, as in torch.nn.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take any arguments, and use none."""

    def _reshape(self, x: Tensor) -> Tensor:
        return x

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example(shapes=[(4, 3)], reference="torch.nn.Identity")]


class Flatten(_Reshape):
    """Makes one dimension of those from `start_dim` to `end_dim`: (n, c, h, w) → (n, c h w).

    Args:
        start_dim, end_dim: the first and the last of them; negative ones count from the end.

    Raises:
        ArgumentError: a dimension is no whole number.
        ShapeError: the input does not have these dimensions in this order.
        ParameterError: the input records a graph of torch's autograd.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        _check_dim("Flatten", "start_dim", start_dim)
        _check_dim("Flatten", "end_dim", end_dim)
        self.start_dim, self.end_dim = start_dim, end_dim

    def _reshape(self, x: Tensor) -> Tensor:
        first, last = (d + x.ndim if d < 0 else d for d in (self.start_dim, self.end_dim))
        if not 0 <= first <= last < x.ndim:
            raise ShapeError(
                f"expected an input with dimensions {self.start_dim} to {self.end_dim} in this "
                f"order, got {tuple(x.shape)}",
                where=self,
            )
        return x.flatten(first, last)

    def summary(self) -> str:
        return f"Flatten, dimensions: {self.start_dim} to {self.end_dim}"

    def __repr__(self) -> str:
        return f"Flatten({self.start_dim}, {self.end_dim})"

    @classmethod
    def examples(cls) -> list[Example]:
        return [
            Example(shapes=[(4, 3, 2, 2)], reference="torch.nn.Flatten"),
            Example(
                {"start_dim": -2, "end_dim": 2}, shapes=[(2, 3, 2, 2)], reference="torch.nn.Flatten"
            ),
        ]


class Unflatten(_Reshape):
    """Makes several dimensions of one: (n, c h w) → (n, c, h, w).

    Args:
        dim: the dimension; a negative one counts from the end.
        unflattened_size: the sizes that stand in its place; one of them may be −1, and is found.

    Raises:
        ArgumentError: an argument is none of these. Names of dimensions are not supported.
        ShapeError: the input does not have the dimension, or it has another size.
        ParameterError: the input records a graph of torch's autograd.
    """

    def __init__(self, dim: int, unflattened_size: torch.Size | Sequence[int]) -> None:
        _check_dim("Unflatten", "dim", dim)
        sizes = tuple(unflattened_size) if isinstance(unflattened_size, (tuple, list)) else ()
        whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= -1 for n in sizes)
        if not sizes or not whole or sizes.count(-1) > 1:
            raise ArgumentError(
                "unflattened_size must be whole numbers, of which one may be -1, got "
                f"{unflattened_size!r}",
                where="Unflatten",
            )
        self.dim, self.unflattened_size = dim, sizes

    def _reshape(self, x: Tensor) -> Tensor:
        dim, sizes = self.dim + x.ndim if self.dim < 0 else self.dim, self.unflattened_size
        known = math.prod(n for n in sizes if n != -1)
        size = x.shape[dim] if 0 <= dim < x.ndim else None
        fits = size == known if -1 not in sizes else size is not None and known and not size % known
        if not fits:
            raise ShapeError(
                f"expected dimension {self.dim} of the input to be the product of {sizes}, got an "
                f"input of shape {tuple(x.shape)}",
                where=self,
            )
        found = [size // known if n == -1 and size is not None else n for n in sizes]
        return x.reshape(*x.shape[:dim], *found, *x.shape[dim + 1 :])

    def summary(self) -> str:
        return f"Unflatten, dimension: {self.dim}, sizes: {self.unflattened_size}"

    def __repr__(self) -> str:
        return f"Unflatten({self.dim}, {self.unflattened_size})"

    @classmethod
    def examples(cls) -> list[Example]:
        twin = "torch.nn.Unflatten"
        return [
            Example({"dim": 1, "unflattened_size": (2, 3)}, shapes=[(4, 6)], reference=twin),
            Example({"dim": -2, "unflattened_size": (-1, 2)}, shapes=[(3, 4, 2)], reference=twin),
        ]


def _check_dim(where: str, name: str, dim: int) -> None:
    if not isinstance(dim, int) or isinstance(dim, bool):
        raise ArgumentError(f"{name} must be a whole number, got {dim!r}", where=where)
