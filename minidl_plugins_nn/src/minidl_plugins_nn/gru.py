"""The gated recurrent unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_nn.drawing import Source
from minidl_plugins_nn.recurrent_cell import RecurrentCell
from minidl_plugins_nn.recurrent_layers import RecurrentLayers

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["GRU", "GRUCell"]


class GatedUnit:
    """r = σ(aᵣ + uᵣ), z = σ(a_z + u_z), n = tanh(aₙ + r uₙ), h' = (1 − z) n + z h."""

    gates = 3

    @staticmethod
    def forward(a: Tensor, u: Tensor, state: tuple[Tensor, ...]) -> Any:
        (h,) = state
        ar, az, an = a.chunk(3, -1)
        ur, uz, un = u.chunk(3, -1)
        r, z = (ar + ur).sigmoid(), (az + uz).sigmoid()
        n = (an + r * un).tanh()
        return (n + z * (h - n),), (r, z, n, un, h)

    # dn = (1 − z) dh',  dz = (h − n) dh',  through tanh' = 1 − n² and σ' = σ (1 − σ);
    # daₙ = dn (1 − n²),  duₙ = r daₙ,  dr = uₙ daₙ;  around u: dh = z dh'
    @staticmethod
    def slopes(*kept: Tensor) -> tuple[Tensor, ...]:
        r, z, n, un, h = kept
        return un * r * (1 - r), (h - n) * z * (1 - z), (1 - z) * (1 - n * n), r, z

    @staticmethod
    def backward(slopes: tuple[Tensor, ...], grads: tuple[Tensor, ...]) -> Any:
        of_r, of_z, of_n, r, z = slopes
        (dh,) = grads
        dan = dh * of_n
        dar, daz = dan * of_r, dh * of_z
        da = torch.cat([dar, daz, dan], -1)
        du = torch.cat([dar, daz, dan * r], -1)
        return da, du, (dh * z,)


class GRUCell(RecurrentCell):
    """h' = (1 − z) n + z h, with r, z = σ(…) and n = tanh(x W_inᵀ + b_in + r (h W_hnᵀ + b_hn)).

    The gates r and z are σ(x W_iᵀ + b_i + h W_hᵀ + b_h), each with its own block of rows.

    Shapes: x (N, in) or (in,), h and h' (N, H) or (H,), W_ih (3H, in) and W_hh (3H, H) with the
    blocks r, z, n; biases (3H,). All parameters are drawn from U(−1/√H, 1/√H), as in
    torch.nn.GRUCell. Without h it is zeros. ``backward`` returns the gradient of x, or of x and
    h if h was given.

    Args:
        input_size, hidden_size: in and H.
        bias: whether to add b_ih and b_hh.
        generator: where the first weights come from; torch's global generator when left out.

    Raises:
        ArgumentError: a size below 1.
        ShapeError, DtypeError, DeviceError: an input or state that does not fit.

    Reference: K. Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP
    2014; the reset gate acts after the product with h, as in torch and cuDNN.
    """

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
        super().__init__(GatedUnit, input_size, hidden_size, bias, source)


class GRU(RecurrentLayers):
    """Layers of gated recurrent units; `GRUCell` has the equations.

    ``forward(x, h₀)`` returns the outputs of the last layer at all times, and the last states of
    all layers. Arguments, shapes, dropout and errors are those of `LSTM`.

    Reference: K. Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP
    2014.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        source = Source(generator, device, dtype)
        sizes = (input_size, hidden_size, num_layers)
        super().__init__(GatedUnit, *sizes, bias, batch_first, dropout, bidirectional, 0, source)
