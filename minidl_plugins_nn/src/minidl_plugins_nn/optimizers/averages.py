"""Averages of parameters, put into their place for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from minidl_core import Parameter

__all__ = ["exchanged"]


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
