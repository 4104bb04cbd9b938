"""The check of an input that has a derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import DtypeError, check_no_graph

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["check_floating"]


def check_floating(layer: object, x: Tensor, role: str = "input") -> None:
    """Raise unless `x` is a tensor of a floating-point dtype that records no autograd graph."""
    check_no_graph(layer, role, x)
    if not x.is_floating_point():
        raise DtypeError(
            f"expected the {role} in a floating-point dtype, got {x.dtype}; convert it: x.float()",
            where=layer,
        )
