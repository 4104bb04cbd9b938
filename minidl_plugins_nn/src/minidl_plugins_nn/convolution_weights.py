"""The first weights of convolutions, and the checks that all of them make."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch

from minidl_core import ArgumentError, Parameter
from minidl_plugins_nn.image_sizes import whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PADDING_MODES", "check_channels", "check_padding_mode", "uniform_weights"]

# torch.nn's names of the modes, and those of `pad`.
PADDING_MODES = MappingProxyType(
    {
        "zeros": "constant",
        "reflect": "reflect",
        "replicate": "replicate",
        "circular": "circular",
    }
)


def check_channels(where: str, in_channels: int, out_channels: int, groups: int) -> None:
    """Check that both numbers of channels are whole multiples of `groups`."""
    for name, number in (
        ("groups", groups),
        ("in_channels", in_channels),
        ("out_channels", out_channels),
    ):
        whole_number(where, name, number)
        if number % groups:
            raise ArgumentError(
                f"{name} must be divisible by groups, got {number} and {groups}", where=where
            )


def check_padding_mode(where: str, mode: str, allowed: Sequence[str]) -> None:
    """Check that `mode` is one of those `allowed`."""
    if mode not in allowed:
        raise ArgumentError(
            f"padding_mode must be one of {', '.join(map(repr, allowed))}, got {mode!r}",
            where=where,
        )


def uniform_weights(
    shape: Sequence[int],
    biases: int,
    generator: torch.Generator | None,
    dtype: torch.dtype | None,
    device: torch.device | str | None,
) -> tuple[Parameter, Parameter | None]:
    """Draw W of `shape`, then `biases` numbers b, as torch does: from U(−1/√f, 1/√f).

    f is the number of weights behind one output, W's size without its first dimension.
    """
    if device is None and generator is not None:
        device = generator.device
    fan_in = math.prod(shape[1:])
    # He's law with a = √5, which torch.nn takes for W, is this law: √3 · √(2 / (1 + 5)) = 1.
    he = math.sqrt(3.0) * (math.sqrt(2.0 / (1 + math.sqrt(5) ** 2)) / math.sqrt(fan_in))

    def uniform(bound: float, *sizes: int) -> Parameter:
        empty = torch.empty(sizes, dtype=dtype, device=device)
        return Parameter(empty.uniform_(-bound, bound, generator=generator))

    weight = uniform(he, *shape)
    return weight, uniform(1 / math.sqrt(fan_in), biases) if biases else None
