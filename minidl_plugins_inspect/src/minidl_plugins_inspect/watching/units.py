"""Dead and saturated units of an activation, from its local derivative."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from minidl_core import Module

__all__ = ["SATURATED", "Units", "units_of"]

SATURATED = 0.05  # the mean |derivative| below which a unit that is not dead is saturated


@dataclass(frozen=True)
class Units:
    """The units of an elementwise activation.

    A unit is a feature: dimension 1 of (batch, features) and of images (batch, channels, …), the
    last dimension of (batch, time, features).

    Attributes:
        dead: for each unit, whether the derivative is 0 for every row: no gradient passes.
        saturated: for each unit that is not dead, whether the mean |derivative| is below 0.05.
    """

    dead: Tensor
    saturated: Tensor

    @property
    def dead_share(self) -> float:
        """The share of the units that are dead."""
        return float(self.dead.float().mean())

    @property
    def saturated_share(self) -> float:
        """The share of the units that are saturated."""
        return float(self.saturated.float().mean())


def units_of(module: Module, x: Any, output: Any) -> Units | None:
    """Return the units of `module` at the input `x`; None if it is no elementwise activation.

    The module is copied, and its ``backward`` is asked for the derivative in evaluation behaviour.
    """
    tensors = isinstance(x, Tensor) and isinstance(output, Tensor)
    if not tensors or x.shape != output.shape or not x.is_floating_point() or not x.numel():
        return None
    if x.ndim < 2 or list(module.param()):
        return None
    try:
        first, second = (_derivative(module, x, seed) for seed in (0, 1))
    except Exception:  # it needs more than one input, or cannot be copied: no activation
        return None
    if first is None or second is None or not torch.equal(first, second):
        return None
    unit = x.ndim - 1 if x.ndim == 3 else 1
    rows = first.movedim(unit, 0).reshape(x.shape[unit], -1)
    dead = (rows == 0).all(1)
    return Units(dead, ~dead & (rows.float().mean(1) < SATURATED))


def _derivative(module: Module, x: Tensor, seed: int) -> Tensor | None:
    """Return |dy/dx| by element, if `module` is elementwise: a gradient of random signs finds out.

    Two such gradients give the same absolute values only if no element depends on another.
    """
    alone: Any = copy.deepcopy(module)
    for name in ("forward", "backward", "push"):  # recordings of the original
        vars(alone).pop(name, None)
    if hasattr(alone, "keep"):
        alone.eval().keep()
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, x.shape, generator=generator).to(x.device, x.dtype) * 2 - 1
    alone.forward(x.clone())
    grad = alone.backward(signs)
    return grad.abs() if isinstance(grad, Tensor) and grad.shape == x.shape else None
