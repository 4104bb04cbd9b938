"""Do two tensors of a model share memory? In a stack they would be torn apart."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from minidl_core import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

__all__ = ["check_no_overlap"]


def check_no_overlap(named: Iterable[tuple[str, Tensor]]) -> None:
    """Refuse different tensors of one model that are views of the same elements.

    Raises:
        ArgumentError: two of `named` overlap.
    """
    spans = []
    for name, tensor in {id(tensor): (name, tensor) for name, tensor in named}.values():
        if tensor.numel() and tensor.device.type != "meta":
            start = tensor.data_ptr()
            strides = zip(tensor.shape, tensor.stride(), strict=True)
            last = sum((size - 1) * stride for size, stride in strides)
            spans.append((start, start + (last + 1) * tensor.element_size(), name))
    spans.sort()
    for (_, end, name), (start, _, other) in itertools.pairwise(spans):
        if start < end:
            raise ArgumentError(
                f"not stacked: {name} and {other} share memory, as a view and its base do, and "
                "would not in a stack; let both modules hold one Parameter, and transpose where "
                "it is used"
            )
