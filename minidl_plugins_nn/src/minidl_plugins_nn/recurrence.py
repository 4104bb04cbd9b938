"""One recurrent layer in one direction: unrolled over time, and back through time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch

from minidl_plugins_nn.linear import add_affine_grads, affine

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_core import Parameter

    State = tuple[Tensor, ...]  # (h,) or (h, c), each (N, H)

__all__ = ["Rule", "Unrolled", "Weights"]


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
    def forward(a: Tensor, u: Tensor, state: State, /) -> tuple[State, tuple[Tensor, ...]]:
        """Return the next state, and what `slopes` needs."""
        ...

    @staticmethod
    def slopes(*kept: Tensor) -> tuple[Tensor, ...]:
        """Return what `backward` needs, element by element: of one time, or of all at once."""
        ...

    @staticmethod
    def backward(slopes: tuple[Tensor, ...], grads: State, /) -> tuple[Tensor, Tensor, Any]:
        """Return da, du, and the part of the last state's gradient that goes around u, or None."""
        ...


class Unrolled:
    """A layer in one direction over a whole sequence; what its backward needs is kept in it.

    With a projection the rule's h is s, and h = s W_hrᵀ goes on.

    Shapes: x (L, N, in), the state's tensors (N, H), outputs (L, N, H).
    """

    def __init__(self, rule: Rule, w: Weights, x: Tensor, state: State, reverse: bool) -> None:
        self.rule, self.w, self.x, self.first, self.reverse = rule, w, x, state, reverse
        a = affine(x, w.ih.value, _value(w.bias_ih)).unbind(0)  # of all times in one product
        outputs: list[Any] = [None] * len(a)
        kept: list[Any] = [None] * len(a)
        whole: list[Any] = [None] * len(a)  # s, where there is a projection
        for t in self._times():
            u = affine(state[0], w.hh.value, _value(w.bias_hh))
            state, kept[t] = rule.forward(a[t], u, state)
            if w.hr is not None:
                whole[t] = state[0]
                state = (affine(state[0], w.hr.value, None), *state[1:])
            outputs[t] = state[0]
        self.kept, self.whole = kept, whole
        self.output = torch.stack(outputs)
        self.last = state

    def _times(self) -> range:
        length = self.x.shape[0]
        return range(length - 1, -1, -1) if self.reverse else range(length)

    # Back through time: the gradient of h at t is that of the output at t and what came back from
    # t + 1, where u = h W_hhᵀ + b_hh gives dh = du W_hh. Weights' gradients are sums over all
    # times, each one product: dW_ih = Σ daᵀ x,  dW_hh = Σ duᵀ h,  dW_hr = Σ dhᵀ s
    def backward(self, doutput: Tensor, dlast: State) -> tuple[Tensor, State]:
        """Return the gradients of x and of the first state."""
        grads, w, rule = dlast, self.w, self.rule
        together = rule.slopes(*(torch.stack(each) for each in zip(*self.kept, strict=True)))
        slopes = list(zip(*(each.unbind(0) for each in together), strict=True))
        das: list[Any] = [None] * len(slopes)
        dus: list[Any] = [None] * len(slopes)
        dhs: list[Any] = [None] * len(slopes)
        douts = doutput.unbind(0)
        for t in reversed(self._times()):
            dh = dhs[t] = grads[0] + douts[t]
            ds = dh if w.hr is None else dh @ w.hr.value
            das[t], dus[t], around = rule.backward(slopes[t], (ds, *grads[1:]))
            dh = dus[t] @ w.hh.value
            grads = (dh if around[0] is None else around[0] + dh, *around[1:])
        da = torch.stack(das)  # (L, N, G·H)
        du = da if das[0] is dus[0] else torch.stack(dus)
        h0 = self.first[0][None]
        before = (self.output[1:], h0) if self.reverse else (h0, self.output[:-1])
        add_affine_grads(w.ih, w.bias_ih, da, self.x)
        add_affine_grads(w.hh, w.bias_hh, du, torch.cat(before))
        if w.hr is not None:
            add_affine_grads(w.hr, None, torch.stack(dhs), torch.stack(self.whole))
        return da @ w.ih.value, grads


def _value(parameter: Parameter | None) -> Tensor | None:
    return None if parameter is None else parameter.value
