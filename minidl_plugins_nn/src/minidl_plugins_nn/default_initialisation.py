"""What torch's layers start with, drawn in torch's order: the same generator, the same numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minidl_plugins_nn import initial_laws as laws

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Generator, Tensor

    from minidl_core import Parameter

    Law = Callable[[Any, Mapping[str, Parameter], Generator | None], None]

__all__ = ["DEFAULTS", "zero_padding"]


def _fan_in(_layer: Any, own: Mapping[str, Parameter], generator: Generator | None) -> None:
    """Weight and bias U(−1/√n, 1/√n), with n the inputs of one output."""
    weight = own["weight"].value
    laws.kaiming_uniform(weight, a=math.sqrt(5), generator=generator)
    if "bias" in own:
        bound = 1 / math.sqrt(max(weight[0].numel(), 1))
        own["bias"].value.uniform_(-bound, bound, generator=generator)


def _bilinear(_layer: Any, own: Mapping[str, Parameter], generator: Generator | None) -> None:
    """Weight and bias U(−1/√n, 1/√n), with n the features of the first input."""
    bound = 1 / math.sqrt(own["weight"].value.shape[1])
    for parameter in own.values():
        parameter.value.uniform_(-bound, bound, generator=generator)


def _recurrent(layer: Any, own: Mapping[str, Parameter], generator: Generator | None) -> None:
    """Everything U(−1/√h, 1/√h), with h the size of the hidden state."""
    bound = 1 / math.sqrt(layer.hidden_size)
    for parameter in own.values():
        parameter.value.uniform_(-bound, bound, generator=generator)


def _embedding(layer: Any, own: Mapping[str, Parameter], generator: Generator | None) -> None:
    """N(0, 1), and zeros for the padding."""
    zero_padding(layer, own["weight"].value.normal_(generator=generator))


def zero_padding(layer: Any, weight: Tensor) -> None:
    """Set the row of the padding to zero, if `layer` is an embedding that has one."""
    if getattr(layer, "padding_idx", None) is not None:
        weight[layer.padding_idx] = 0


def _norm(layer: Any, own: Mapping[str, Parameter], _generator: Generator | None) -> None:
    """Weight 1 and bias 0, and no statistics."""
    for name, parameter in own.items():
        parameter.value.fill_(0 if name == "bias" else 1)
    for name, buffer in layer.named_buffers():
        buffer.fill_(1 if name == "running_var" else 0)


def _attention(layer: Any, own: Mapping[str, Parameter], generator: Generator | None) -> None:
    """Projections by Glorot's uniform law, biases 0, added keys and values by his normal one."""
    if "in_proj_bias" in own:
        layer.out_proj.bias.value.zero_()
    for name, parameter in own.items():
        if name in ("bias_k", "bias_v"):
            laws.xavier_normal(parameter.value, generator=generator)
        elif "bias" in name:
            parameter.value.zero_()
        else:
            laws.xavier_uniform(parameter.value, generator=generator)


def _prelu(_layer: Any, own: Mapping[str, Parameter], _generator: Generator | None) -> None:
    """A quarter."""
    own["weight"].value.fill_(0.25)


DEFAULTS: dict[str, Law] = {
    "Linear": _fan_in,
    **{f"{kind}{n}d": _fan_in for kind in ("Conv", "ConvTranspose") for n in (1, 2, 3)},
    "Bilinear": _bilinear,
    **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), _recurrent),
    **dict.fromkeys(("Embedding", "EmbeddingBag"), _embedding),
    **{f"{kind}Norm{n}d": _norm for kind in ("Batch", "Instance") for n in (1, 2, 3)},
    **dict.fromkeys(("LayerNorm", "GroupNorm", "RMSNorm"), _norm),
    "MultiheadAttention": _attention,
    "PReLU": _prelu,
}
