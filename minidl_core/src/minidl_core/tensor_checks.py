"""The checks that a layer makes of its tensors before it computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core.errors import DeviceError, DtypeError, ParameterError, ShapeError

if TYPE_CHECKING:
    from torch import Size, Tensor

__all__ = ["check_alike", "check_grad_output", "check_no_graph"]


def check_alike(layer: object, role: str, x: Tensor, other: str, y: Tensor) -> None:
    """Raise unless `x` and `y` have one dtype and one device, and `x` records no autograd graph."""
    check_no_graph(layer, role, x)
    if x.dtype != y.dtype:
        raise DtypeError(
            f"expected the {role} in the dtype of the {other}, {y.dtype}, got {x.dtype}; "
            f"convert one: x.to({y.dtype})",
            where=layer,
        )
    if x.device != y.device:
        raise DeviceError(
            f"expected the {role} on the device of the {other}, {y.device}, got {x.device}; "
            f'move one: x.to("{y.device}")',
            where=layer,
        )


def check_no_graph(layer: object, role: str, x: Tensor) -> None:
    """Raise for what is no dense tensor of real numbers, or asks autograd for a gradient."""
    if not hasattr(x, "requires_grad") or isinstance(x, type):
        raise DtypeError(
            f"expected the {role} as a tensor, got {type(x).__name__}; pass torch.as_tensor(x)",
            where=layer,
        )
    if x.requires_grad:
        raise ParameterError(
            f"the {role} has requires_grad=True, but gradients here come from backward(), not from "
            "autograd; pass x.detach()",
            where=layer,
        )
    if x.is_complex() or x.is_quantized or x.is_nested or str(x.layout) != "torch.strided":
        raise DtypeError(
            f"expected the {role} as a dense tensor of real numbers, got "
            f"{'a nested one' if x.is_nested else f'{x.dtype} in layout {x.layout}'}; convert it: "
            "x.to_dense(), x.dequantize(), torch.view_as_real(x), x.to_padded_tensor(0.0)",
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
