"""Moving averages, and parameters that their averages replace for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from minidl_core import Parameter

__all__ = ["exchanged", "update_average"]


def update_average(average: Tensor, new: Tensor, beta: Any) -> Tensor:
    """β a + (1 − β) x, written into the average a of x; it is returned.

    β is a number, or a tensor with no dimensions, such as the value of one model in a stack.
    """
    if isinstance(beta, (int, float)):
        return average.mul_(beta).add_(new, alpha=1 - beta)  # one pass less over the elements
    return average.mul_(beta).add_((1 - beta) * new)


@contextmanager
def exchanged(params: Sequence[Parameter], averages: Sequence[Tensor]) -> Iterator[None]:
    """Put `averages` into the values of `params`, in place; afterwards the values are back."""
    values = [parameter.value.clone() for parameter in params]
    for parameter, average in zip(params, averages, strict=True):
        parameter.value.copy_(average)
    try:
        yield
    finally:
        for parameter, value in zip(params, values, strict=True):
            parameter.value.copy_(value)
