"""What the recurrent cells have in common: their parameters, and one step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minidl_core import BaseModule, Example, check_grad_output
from minidl_plugins_nn.arguments import check_sizes
from minidl_plugins_nn.linear import add_affine_grads, affine
from minidl_plugins_nn.recurrent_states import check_sequence, state_of

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_nn.drawing import Source
    from minidl_plugins_nn.recurrence import Rule

__all__ = ["RecurrentCell"]


class RecurrentCell(BaseModule):
    """One step of a recurrent network: state' = f(x W_ihᵀ + b_ih, h W_hhᵀ + b_hh, state).

    ``forward(x, state)`` returns the next state; a state that is left out is zeros.
    ``backward`` takes its gradient, and returns that of x, or of x and the state if it was given.

    Shapes: x (N, in) or (in,), each tensor of the state (N, H) or (H,).
    """

    traceable = True
    states = 1

    def __init__(
        self,
        rule: Rule,
        input_size: int,
        hidden_size: int,
        bias: bool,
        source: Source,
    ) -> None:
        check_sizes(type(self).__name__, input_size=input_size, hidden_size=hidden_size)
        self.rule = rule
        self.input_size = input_size
        self.hidden_size = hidden_size
        bound, rows = 1 / math.sqrt(hidden_size), rule.gates * hidden_size
        self.weight_ih = source.uniform(bound, rows, input_size)
        self.weight_hh = source.uniform(bound, rows, hidden_size)
        self.bias_ih = source.uniform(bound, rows) if bias else None
        self.bias_hh = source.uniform(bound, rows) if bias else None

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        weight = self.weight_ih.value
        dims = "(batch, features) or (features,)"
        check_sequence(self, x, self.input_size, (1, 2), dims, weight)
        shapes = [(*x.shape[:-1], self.hidden_size)] * self.states
        state = state_of(self, hx, shapes, x)
        a = affine(x, weight, None if self.bias_ih is None else self.bias_ih.value)
        u = affine(
            state[0], self.weight_hh.value, None if self.bias_hh is None else self.bias_hh.value
        )
        following, kept = self.rule.forward(a, u, state)
        self.push((x, state, hx is not None, kept))
        return following if self.states > 1 else following[0]

    # a = x W_ihᵀ + b_ih and u = h W_hhᵀ + b_hh:  dx = da W_ih,  dh = du W_hh and what goes around u
    def backward(self, *grad_outputs: Any) -> Any:
        x, state, given, kept = self.pop()
        for grad in grad_outputs:
            check_grad_output(self, grad, state[0].shape)
        da, du, around = self.rule.backward(self.rule.slopes(*kept), grad_outputs)
        add_affine_grads(self.weight_ih, self.bias_ih, da, x)
        add_affine_grads(self.weight_hh, self.bias_hh, du, state[0])
        dx = da @ self.weight_ih.value
        if not given:
            return dx
        dh = du @ self.weight_hh.value
        dh = dh if around[0] is None else around[0] + dh
        return dx, (dh, *around[1:]) if self.states > 1 else dh

    def summary(self) -> str:
        sizes = f"in: {self.input_size}, state: {self.hidden_size}"
        return f"{type(self).__name__}, {sizes}, biases: {self.bias_ih is not None}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.input_size} → {self.hidden_size})"

    @classmethod
    def examples(cls) -> list[Example]:
        sizes = {"input_size": 3, "hidden_size": 2}
        return [
            Example(sizes, shapes=[(4, 3)]),
            Example({**sizes, "bias": False}, shapes=[(4, 3)]),
        ]
