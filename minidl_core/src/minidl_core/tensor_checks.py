"""The checks that a layer makes of its tensors before it computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core.errors import DeviceError, DtypeError, ParameterError, ShapeError

if TYPE_CHECKING:
    from torch import Size, Tensor

__all__ = ["check_alike", "check_grad_output", "check_no_graph"]


def check_alike(layer: object, role: str, x: Tensor, other: str, y: Tensor) -> None:
    """Raise unless `x` and `y` have one dtype and one device, and `x` records no autograd graph."""
    for where, error, got, wanted, move in (
        ("in the dtype", DtypeError, x.dtype, y.dtype, f"convert one: x.to({y.dtype})"),
        ("on the device", DeviceError, x.device, y.device, f'move one: x.to("{y.device}")'),
    ):
        if got != wanted:
            raise error(
                f"expected the {role} {where} of the {other}, {wanted}, got {got}; {move}",
                where=layer,
            )
    check_no_graph(layer, role, x)


def check_no_graph(layer: object, role: str, x: Tensor) -> None:
    """Raise `ParameterError` for a tensor that asks autograd for a gradient."""
    if x.requires_grad:
        raise ParameterError(
            f"the {role} has requires_grad=True, but gradients here come from backward(), not from "
            "autograd; pass x.detach()",
            where=layer,
        )


def check_grad_output(layer: object, grad_output: Tensor, expected: Size) -> None:
    """Raise `ShapeError` for a gradient of the output that has not its shape: none is broadcast."""
    if grad_output.shape != expected:
        raise ShapeError(
            f"expected the gradient of the output in the output's shape {tuple(expected)}, "
            f"got {tuple(grad_output.shape)}; pass what the loss's or next layer's backward gave",
            where=layer,
        )
