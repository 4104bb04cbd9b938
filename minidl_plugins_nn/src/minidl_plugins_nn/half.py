"""Half precision: sums and squares are computed in float32, and rounded once at the end.

A float16 ends at 65,504 and has no step below 6e-8; both half-precision dtypes stop growing when
small numbers are added to a large one. So whatever adds many elements, squares one, or divides by a
small number does so in float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["wide", "wide_on_cpu"]

HALF = (torch.float16, torch.bfloat16)


@overload
def wide(x: Tensor) -> Tensor: ...
@overload
def wide(x: Tensor | None) -> Tensor | None: ...
def wide(x: Tensor | None) -> Tensor | None:
    """Return `x` in float32 if it is in half precision, else `x` itself."""
    return x.float() if x is not None and x.dtype in HALF else x


@overload
def wide_on_cpu(x: Tensor) -> Tensor: ...
@overload
def wide_on_cpu(x: Tensor | None) -> Tensor | None: ...
def wide_on_cpu(x: Tensor | None) -> Tensor | None:
    """The same for operations that other devices accumulate in float32 by themselves."""
    return wide(x) if x is not None and x.device.type == "cpu" else x
