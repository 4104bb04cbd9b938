"""The long short-term memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import Example
from minidl_plugins_nn.drawing import Source
from minidl_plugins_nn.recurrent_cell import RecurrentCell
from minidl_plugins_nn.recurrent_layers import RecurrentLayers
from minidl_plugins_nn.recurrent_states import FlatStates

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LSTM", "LSTMCell"]


class Memory:
    """i, f, o = σ(a + u), g = tanh(a + u), c' = f c + i g, h' = o tanh c'."""

    gates = 4

    @staticmethod
    def forward(a: Tensor, u: Tensor, state: tuple[Tensor, ...]) -> Any:
        c = state[1]
        i, f, g, o = (a + u).chunk(4, -1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        following = f * c + i * g
        s = following.tanh()
        return (o * s, following), (i, f, g, o, s, c)

    # dc' += o (1 − tanh² c') dh';  do = tanh c' dh',  di = g dc',  df = c dc',  dg = i dc',
    # through σ' = σ (1 − σ) and tanh' = 1 − tanh²;  around u: dc = f dc'
    @staticmethod
    def slopes(*kept: Tensor) -> tuple[Tensor, ...]:
        i, f, g, o, s, c = kept
        each = [g * i * (1 - i), c * f * (1 - f), i * (1 - g * g), s * o * (1 - o)]
        return torch.cat(each, -1), o * (1 - s * s), f

    @staticmethod
    def backward(slopes: tuple[Tensor, ...], grads: tuple[Tensor, ...]) -> Any:
        of_gates, of_h, f = slopes
        dh, dc = grads
        dc = dc + dh * of_h
        da = torch.cat([dc, dc, dc, dh], -1) * of_gates
        return da, da, (None, dc * f)


class LSTMCell(RecurrentCell):
    """c' = f c + i g and h' = o tanh c', with i, f, o = σ(…), g = tanh(…) of x W_ihᵀ + h W_hhᵀ + b.

    Shapes: x (N, in) or (in,), h, c, h' and c' (N, H) or (H,), W_ih (4H, in) and W_hh (4H, H)
    with the blocks i, f, g, o; the biases b_ih and b_hh (4H,). All parameters are drawn from
    U(−1/√H, 1/√H), as in torch.nn.LSTMCell.

    ``forward(x, (h, c))`` returns (h', c'); without a state it is zeros. ``backward(dh', dc')``
    returns the gradient of x, or of x and (h, c) if they were given.

    Args:
        input_size, hidden_size: in and H.
        bias: whether to add b_ih and b_hh.
        generator: where the first weights come from; torch's global generator when left out.

    Raises:
        ArgumentError: a size below 1.
        ShapeError, DtypeError, DeviceError: an input or state that does not fit.

    Reference: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 1997,
    with the forget gate of F. Gers et al., 2000.
    """

    states = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        source = Source(generator, device, dtype)
        super().__init__(Memory, input_size, hidden_size, bias, source)


class LSTM(RecurrentLayers):
    """Layers of long short-term memory; `LSTMCell` has the equations.

    ``forward(x, (h₀, c₀))`` returns (y, (h, c)): the outputs of the last layer at all times, and
    the last states of all layers. A state that is left out is zeros. ``backward(dy, (dh, dc))``
    takes their gradients (None for states not used) and returns that of x, or of x and (h₀, c₀)
    if they were given. Packed sequences are refused.

    Shapes, with D directions and H' = `proj_size` or else H: x (L, N, in), y (L, N, D·H'),
    h (layers·D, N, H'), c (layers·D, N, H). With `batch_first` x and y have the batch first, and
    states do not. The batch may be missing. Parameters are named and laid out as in torch.nn:
    weight_ih_l0 (4H, in), weight_hh_l0 (4H, H'), their biases, and weight_hr_l0 (H', H), drawn
    from U(−1/√H, 1/√H). Layer k > 0 takes the D·H' outputs of the one before.

    Args:
        input_size, hidden_size, num_layers: in, H, and how many layers.
        bias: whether to add b_ih and b_hh.
        batch_first: whether x and y are (N, L, features).
        dropout: the probability to drop an output of each layer but the last, in training.
        bidirectional: whether each layer has a second part, which reads from the end.
        proj_size: H' above 0 maps each h to that size by W_hr; below H.
        generator: where first weights and dropout come from; torch's global one when left out.

    Raises:
        ArgumentError: an argument out of range, or dropout with one layer, where it does nothing.
        ShapeError, DtypeError, DeviceError: an input or state that does not fit.

    Reference: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 1997;
    projections: H. Sak et al., 2014.
    """

    states = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        source = Source(generator, device, dtype)
        sizes = (input_size, hidden_size, num_layers)
        super().__init__(
            Memory, *sizes, bias, batch_first, dropout, bidirectional, proj_size, source
        )

    @classmethod
    def examples(cls) -> list[Example]:
        def flat(generator: torch.Generator, dtype: torch.dtype, **options: Any) -> FlatStates:
            return FlatStates(cls(3, 2, generator=generator, dtype=dtype, **options))

        more = {"num_layers": 2, "bidirectional": True, "batch_first": True, "bias": False}
        return [
            Example({}, shapes=[(4, 2, 3)], batch_axis=1, make=flat),
            Example(more, shapes=[(2, 4, 3)], make=flat),
            Example({"proj_size": 1}, [(4, 3, 3), (1, 3, 1), (1, 3, 2)], batch_axis=1, make=flat),
        ]
