"""The initial states of recurrent layers: taken from the caller, or zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils.rnn import PackedSequence

from minidl_core import BaseModule, ShapeError, check_alike, check_no_graph

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FlatStates", "check_sequence", "state_of"]


def check_sequence(
    layer: object, x: Any, size: int, dims: tuple[int, int], expected: str, weight: Tensor
) -> bool:
    """Check the input; return whether it has a batch, which `dims` says: without one, and with.

    Raises:
        ShapeError, DtypeError, DeviceError: it does not fit.
    """
    if isinstance(x, PackedSequence):
        raise ShapeError(
            "expected a tensor, got PackedSequence; packed sequences are not supported: pad them "
            "(pad_packed_sequence) and leave padded places out of the loss",
            where=layer,
        )
    check_no_graph(layer, "input", x)
    if x.ndim not in dims or x.shape[-1] != size or not x.numel():
        raise ShapeError(
            f"expected an input of shape {expected} with {size} features, got {tuple(x.shape)}; "
            "reshape it, or build the layer with its number of features",
            where=layer,
        )
    check_alike(layer, "input", x, "weight", weight)
    return bool(x.ndim == dims[1])


def state_of(
    layer: object, hx: Any, shapes: list[tuple[int, ...]], like: Tensor
) -> tuple[Tensor, ...]:
    """Return the state `hx`, one tensor or a tuple of two, as a tuple; zeros for None.

    Raises:
        ShapeError, DtypeError, DeviceError: it does not fit.
    """
    if hx is None:
        return tuple(torch.zeros(s, dtype=like.dtype, device=like.device) for s in shapes)
    state = tuple(hx) if isinstance(hx, (tuple, list)) else (hx,)
    given = [tuple(s.shape) for s in state]
    if given != shapes:
        names = "a state (h, c) of shapes" if len(shapes) == 2 else "a state h of shape"
        raise ShapeError(
            f"expected {names} {', '.join(map(str, shapes))}, got "
            f"{', '.join(map(str, given))}; leave it out to start from zeros",
            where=layer,
        )
    for s in state:
        check_alike(layer, "state", s, "input", like)
    return state


class FlatStates(BaseModule):
    """A recurrent layer with states that are plain inputs and outputs: (x, h, c) -> (y, h', c')."""

    traceable = True

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def forward(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        y, last = self.layer.forward(x, *((state,) if state else ()))
        return y, *last

    def backward(self, grad_output: Tensor, *grad_state: Tensor) -> Any:
        grads = self.layer.backward(grad_output, grad_state)
        return grads if isinstance(grads, torch.Tensor) else (grads[0], *grads[1])
