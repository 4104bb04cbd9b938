"""One recurrent layer in one direction: unrolled over time, and back through time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch

from minidl_plugins_nn.linear import add_affine_grads, affine

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_core import Parameter

    State = tuple[Tensor, ...]  # (h,) or (h, c), each (N, H)

__all__ = ["Rule", "Unrolled", "Weights", "added", "step", "step_backward"]


class Weights(NamedTuple):
    """W_ih (G·H, in), W_hh (G·H, H), their biases (G·H,) or None, and a projection (P, H)."""

    ih: Parameter
    hh: Parameter
    bias_ih: Parameter | None = None
    bias_hh: Parameter | None = None
    hr: Parameter | None = None


class Rule(Protocol):
    """A class with the arithmetic of a cell, from a = x W_ihᵀ + b_ih and u = h W_hhᵀ + b_hh.

    `gates` is G, the number of blocks of H in a and u.
    """

    gates: int

    @staticmethod
    def forward(a: Tensor, u: Tensor, state: State, /) -> tuple[State, Any]:
        """Return the next state, and what `backward` needs."""
        ...

    @staticmethod
    def backward(kept: Any, grads: State, /) -> tuple[Tensor, Tensor, tuple[Any, ...]]:
        """Return da, du, and the part of the last state's gradient that goes around u, or None."""
        ...


def step(rule: Rule, w: Weights, a: Tensor, state: State) -> tuple[State, Any]:
    """Return the next state, and what `step_backward` needs."""
    u = affine(state[0], w.hh.value, None if w.bias_hh is None else w.bias_hh.value)
    following, kept = rule.forward(a, u, state)
    if w.hr is None:
        return following, (kept, None)
    h = following[0]
    return (affine(h, w.hr.value, None), *following[1:]), (kept, h)


# u = h W_hhᵀ + b_hh:  dh = du W_hh, besides what goes around u.  With a projection h = s W_hrᵀ:
# ds = dh W_hr,  dW_hr = dhᵀ s
def step_backward(rule: Rule, w: Weights, kept: Any, grads: State) -> tuple[Tensor, Tensor, State]:
    """Return da, du, and the gradient of the state before the step."""
    kept, projected = kept
    if w.hr is not None:
        add_affine_grads(w.hr, None, grads[0], projected)
        grads = (grads[0] @ w.hr.value, *grads[1:])
    da, du, around = rule.backward(kept, grads)
    dh = added(around[0], du @ w.hh.value)
    return da, du, (dh, *around[1:])


class Unrolled:
    """A layer in one direction over a whole sequence; what its backward needs is kept in it.

    Shapes: x (L, N, in), the state's tensors (N, H), outputs (L, N, H).
    """

    def __init__(self, rule: Rule, w: Weights, x: Tensor, state: State, reverse: bool) -> None:
        self.rule, self.w, self.x, self.first, self.reverse = rule, w, x, state, reverse
        bias = None if w.bias_ih is None else w.bias_ih.value
        a = affine(x, w.ih.value, bias).unbind(0)  # of all times at once
        self.kept: list[Any] = []
        outputs = []
        for t in self._times():
            state, kept = step(rule, w, a[t], state)
            outputs.append(state[0])
            self.kept.append(kept)
        self.output = torch.stack(outputs[::-1] if reverse else outputs)
        self.last = state

    def _times(self) -> range:
        length = self.x.shape[0]
        return range(length - 1, -1, -1) if self.reverse else range(length)

    # Back through time: the gradient of h at t is that of the output at t and what came back
    # from t + 1. The weights' gradients are sums over all times, taken in one product each.
    def backward(self, doutput: Tensor, dlast: State) -> tuple[Tensor, State]:
        """Return the gradients of x and of the first state."""
        grads, w = dlast, self.w
        das: list[Any] = [None] * len(self.kept)
        dus: list[Any] = [None] * len(self.kept)
        douts = doutput.unbind(0)
        for t in reversed(self._times()):
            grads = (grads[0] + douts[t], *grads[1:])
            das[t], dus[t], grads = step_backward(self.rule, w, self.kept.pop(), grads)
        da = torch.stack(das)  # (L, N, G·H)
        du = da if all(a is u for a, u in zip(das, dus, strict=True)) else torch.stack(dus)
        h0 = self.first[0][None]
        around = (self.output[1:], h0) if self.reverse else (h0, self.output[:-1])
        add_affine_grads(w.ih, w.bias_ih, da, self.x)
        add_affine_grads(w.hh, w.bias_hh, du, torch.cat(around))
        return da @ w.ih.value, grads


def added(a: Tensor | None, b: Tensor) -> Tensor:
    return b if a is None else a + b
