"""Elman's recurrent network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from minidl_core import ArgumentError
from minidl_plugins_nn.drawing import Source
from minidl_plugins_nn.recurrent_cell import RecurrentCell
from minidl_plugins_nn.recurrent_layers import RecurrentLayers

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from minidl_plugins_nn.recurrence import Rule

__all__ = ["RNN", "RNNCell"]


class Tanh:
    """h' = tanh(a + u)."""

    gates = 1

    @staticmethod
    def forward(a: Tensor, u: Tensor, _state: tuple[Tensor, ...]) -> Any:
        h = (a + u).tanh()
        return (h,), (h,)

    # tanh' = 1 − tanh²:  da = du = (1 − h'²) dh'
    @staticmethod
    def slopes(*kept: Tensor) -> tuple[Tensor, ...]:
        (h,) = kept
        return (1 - h * h,)

    @staticmethod
    def backward(slopes: tuple[Tensor, ...], grads: tuple[Tensor, ...]) -> Any:
        da = grads[0] * slopes[0]
        return da, da, (None,)


class Rectifier:
    """h' = max(a + u, 0)."""

    gates = 1

    @staticmethod
    def forward(a: Tensor, u: Tensor, _state: tuple[Tensor, ...]) -> Any:
        h = (a + u).relu()
        return (h,), (h,)

    # da = du = dh' where h' > 0, else 0
    @staticmethod
    def slopes(*kept: Tensor) -> tuple[Tensor, ...]:
        (h,) = kept
        return ((h > 0).to(h.dtype),)

    @staticmethod
    def backward(slopes: tuple[Tensor, ...], grads: tuple[Tensor, ...]) -> Any:
        da = grads[0] * slopes[0]
        return da, da, (None,)


def rule_of(where: str, nonlinearity: str) -> Rule:
    rules: dict[str, Any] = {"tanh": Tanh, "relu": Rectifier}
    if nonlinearity not in rules:
        raise ArgumentError(
            f'nonlinearity must be "tanh" or "relu", got {nonlinearity!r}', where=where
        )
    rule: Rule = rules[nonlinearity]
    return rule


class RNNCell(RecurrentCell):
    """h' = φ(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh), with φ = tanh or the rectifier.

    Shapes: x (N, in) or (in,), h and h' (N, H) or (H,), W_ih (H, in), W_hh (H, H), biases (H,).
    All parameters are drawn from U(−1/√H, 1/√H), as in torch.nn.RNNCell. Without h it is zeros.
    ``backward`` returns the gradient of x, or of x and h if h was given.

    Args:
        input_size, hidden_size: in and H.
        bias: whether to add b_ih and b_hh.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        generator: where the first weights come from; torch's global generator when left out.

    Raises:
        ArgumentError: a size below 1, or another nonlinearity.
        ShapeError, DtypeError, DeviceError: an input or state that does not fit.

    Reference: J. L. Elman, Finding structure in time, Cognitive Science 1990.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        rule = rule_of("RNNCell", nonlinearity)
        source = Source(generator, device, dtype)
        super().__init__(rule, input_size, hidden_size, bias, source)
        self.nonlinearity = nonlinearity


class RNN(RecurrentLayers):
    """Layers of hₜ = φ(xₜ W_ihᵀ + b_ih + hₜ₋₁ W_hhᵀ + b_hh), with φ = tanh or the rectifier.

    ``forward(x, h₀)`` returns the outputs of the last layer at all times, and the last states of
    all layers. See `LSTM` for shapes, directions, dropout, errors and what ``backward`` takes.

    Args:
        nonlinearity: ``"tanh"`` or ``"relu"``; the others are those of `LSTM`.

    Reference: J. L. Elman, Finding structure in time, Cognitive Science 1990.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        rule = rule_of("RNN", nonlinearity)
        source = Source(generator, device, dtype)
        sizes = (input_size, hidden_size, num_layers)
        super().__init__(rule, *sizes, bias, batch_first, dropout, bidirectional, 0, source)
        self.nonlinearity = nonlinearity
