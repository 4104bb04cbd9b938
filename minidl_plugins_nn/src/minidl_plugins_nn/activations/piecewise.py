"""Activations made of straight pieces: Hardtanh, ReLU6, Hardsigmoid, Threshold, the shrinkages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from minidl_core import ArgumentError, Example
from minidl_plugins_nn.activations.elementwise import Elementwise, check_not_inplace
from minidl_plugins_nn.finite import finite_number

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Hardshrink", "Hardsigmoid", "Hardtanh", "ReLU6", "Softshrink", "Threshold"]

aten = torch.ops.aten


class Hardtanh(Elementwise):
    """f(x) = min(max(x, a), b), with the derivative taken as 0 at a and b.

    Args:
        min_val, max_val: a and b, with a < b.

    Raises:
        ArgumentError: one is no finite number, a is not below b, or `inplace` is asked for.
        DtypeError: the input is not of a floating-point dtype.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        check_not_inplace(self, inplace)
        self.min_val = finite_number(self, "min_val", min_val)
        self.max_val = finite_number(self, "max_val", max_val)
        if not min_val < max_val:
            raise ArgumentError(
                f"min_val must be below max_val, got {min_val!r} and {max_val!r}",
                where=type(self).__name__,
            )

    def value(self, x: Tensor) -> Tensor:
        return x.clamp(self.min_val, self.max_val)

    # f'(x) = 1 where a < x < b, else 0
    def slope(self, x: Tensor) -> Tensor:
        return ((x > self.min_val) & (x < self.max_val)).to(x.dtype)

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        result: Tensor = aten.hardtanh_backward(dy, x, self.min_val, self.max_val)
        return result

    def summary(self) -> str:
        return f"Hard Tanh, from {self.min_val} to {self.max_val}"

    @classmethod
    def examples(cls) -> list[Example]:
        other = {"min_val": -0.5, "max_val": 1.5}
        return [*super().examples(), Example(other, shapes=[(4, 3)])]


class ReLU6(Hardtanh):
    """f(x) = min(max(x, 0), 6), with the derivative taken as 0 at 0 and 6.

    Raises:
        ArgumentError: `inplace` is asked for.
        DtypeError: the input is not of a floating-point dtype.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def summary(self) -> str:
        return "Rectified Linear Unit up to 6"

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example(shapes=[(4, 3)], low=-4.0, high=8.0)]


class Hardsigmoid(Elementwise):
    """f(x) = min(max(x + 3, 0), 6) / 6, with the derivative taken as 0 at ±3.

    Raises:
        ArgumentError: `inplace` is asked for.
        DtypeError: the input is not of a floating-point dtype.
    """

    def __init__(self, inplace: bool = False) -> None:
        check_not_inplace(self, inplace)

    def value(self, x: Tensor) -> Tensor:
        return functional.hardsigmoid(x)

    # f'(x) = 1/6 where −3 < x < 3, else 0
    def slope(self, x: Tensor) -> Tensor:
        return ((x > -3) & (x < 3)).to(x.dtype) / 6

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        # (torch's own operation has 1/6 in float32, whatever the dtype of x)
        result: Tensor = aten.hardtanh_backward(dy, x, -3.0, 3.0)
        return result / 6

    def summary(self) -> str:
        return "Hard Sigmoid"

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example(shapes=[(4, 3)], low=-5.0, high=5.0)]


class Threshold(Elementwise):
    """f(x) = x where x > t, else v.

    Args:
        threshold: t.
        value: v. (It is kept as `replacement`.)

    Raises:
        ArgumentError: one of them is no finite number, or `inplace` is asked for.
        DtypeError: the input is not of a floating-point dtype.
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        check_not_inplace(self, inplace)
        self.threshold = finite_number(self, "threshold", threshold)
        self.replacement = finite_number(self, "value", value)

    def value(self, x: Tensor) -> Tensor:
        return functional.threshold(x, self.threshold, self.replacement)

    # f'(x) = 1 where x > t, else 0
    def slope(self, x: Tensor) -> Tensor:
        return (x > self.threshold).to(x.dtype)

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        result: Tensor = aten.threshold_backward(dy, x, self.threshold)
        return result

    def summary(self) -> str:
        return f"Threshold: {self.replacement} up to {self.threshold}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example({"threshold": 0.5, "value": -1.0}, shapes=[(16, 8)])]


class Hardshrink(Elementwise):
    """f(x) = x where |x| > λ, else 0.

    Args:
        lambd: λ, at least 0.

    Raises:
        ArgumentError: λ is negative or no finite number.
        DtypeError: the input is not of a floating-point dtype.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = not_negative(self, lambd)

    def value(self, x: Tensor) -> Tensor:
        return torch.hardshrink(x, self.lambd)

    # f'(x) = 1 where |x| > λ, else 0
    def slope(self, x: Tensor) -> Tensor:
        return (x.abs() > self.lambd).to(x.dtype)

    def backward_of(self, dy: Tensor, x: Tensor) -> Tensor:
        result: Tensor = aten.hardshrink_backward(dy, x, self.lambd)
        return result

    def summary(self) -> str:
        return f"{type(self).__name__}, lambda: {self.lambd}"

    @classmethod
    def examples(cls) -> list[Example]:
        return [*super().examples(), Example({"lambd": 1.0}, shapes=[(4, 3)])]


class Softshrink(Hardshrink):
    """f(x) = x − λ where x > λ, x + λ where x < −λ, else 0.

    Its derivative is that of Hardshrink.

    Args:
        lambd: λ, at least 0.

    Raises:
        ArgumentError: λ is negative or no finite number.
        DtypeError: the input is not of a floating-point dtype.
    """

    def value(self, x: Tensor) -> Tensor:
        return functional.softshrink(x, self.lambd)


def not_negative(layer: object, lambd: float) -> float:
    """Return λ if it is a finite number of at least 0."""
    if finite_number(layer, "lambd", lambd) < 0:
        raise ArgumentError(f"lambd must be at least 0, got {lambd!r}", where=type(layer).__name__)
    return lambd
