"""The laws of first values: each fills a tensor in place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Generator, Tensor

__all__ = [
    "constant",
    "dirac",
    "eye",
    "kaiming_normal",
    "kaiming_uniform",
    "normal",
    "orthogonal",
    "trunc_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
]

GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75}


def constant(x: Tensor, val: float) -> None:
    """`val` everywhere."""
    x.fill_(val)


def uniform(x: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> None:
    """U(a, b)."""
    x.uniform_(a, b, generator=generator)


def normal(
    x: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> None:
    """N(mean, std²)."""
    x.normal_(mean, std, generator=generator)


def trunc_normal(
    x: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> None:
    """N(mean, std²) on the condition that it lies in [a, b]."""
    low, high = (math.erf((bound - mean) / std / math.sqrt(2)) for bound in (a, b))
    if not high > low:
        raise ValueError(f"the law has no values between a={a:g} and b={b:g}")
    if high - low < 0.6:  # fewer than 3 in 10 draws of the normal law would fit
        x.uniform_(low, high, generator=generator).erfinv_().mul_(std * math.sqrt(2)).add_(mean)
        x.clamp_(a, b)
        return
    x.normal_(mean, std, generator=generator)
    while bool((outside := (x < a) | (x > b)).any()):
        again = torch.empty_like(x).normal_(mean, std, generator=generator)
        x.copy_(torch.where(outside, again, x))


def xavier_uniform(x: Tensor, gain: float = 1.0, generator: Generator | None = None) -> None:
    """U(−c, c) with c = gain √(6 / (fan_in + fan_out))."""
    bound = gain * math.sqrt(6 / sum(_fans(x)))
    x.uniform_(-bound, bound, generator=generator)


def xavier_normal(x: Tensor, gain: float = 1.0, generator: Generator | None = None) -> None:
    """N(0, gain² · 2 / (fan_in + fan_out))."""
    x.normal_(0, gain * math.sqrt(2 / sum(_fans(x))), generator=generator)


def kaiming_uniform(
    x: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> None:
    """U(−c, c) with c = gain √(3 / fan); the gain is that of a nonlinearity."""
    bound = math.sqrt(3) * _kaiming_std(x, a, mode, nonlinearity)
    x.uniform_(-bound, bound, generator=generator)


def kaiming_normal(
    x: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> None:
    """N(0, gain² / fan); the gain is that of a nonlinearity."""
    x.normal_(0, _kaiming_std(x, a, mode, nonlinearity), generator=generator)


def orthogonal(x: Tensor, gain: float = 1.0, generator: Generator | None = None) -> None:
    """`gain` times orthonormal rows or columns, whichever are fewer, uniform among all such.

    It is Q of the decomposition Q R of a normal matrix, with the signs that make diag(R) > 0.
    """
    if x.ndim < 2:
        raise ValueError("it has fewer than two dimensions")
    drawn = torch.empty_like(x).normal_(generator=generator).flatten(1)
    tall = drawn if drawn.shape[0] >= drawn.shape[1] else drawn.T
    q, r = torch.linalg.qr(tall)
    q = q * r.diagonal().sign()
    x.copy_(gain * (q if tall is drawn else q.T).reshape(x.shape))


def eye(x: Tensor) -> None:
    """The identity matrix."""
    if x.ndim != 2:
        raise ValueError("it is no matrix")
    x.copy_(torch.eye(*x.shape, dtype=x.dtype, device=x.device))


def dirac(x: Tensor, groups: int = 1) -> None:
    """The weight of a convolution that hands on its first channels, in each of `groups`."""
    if x.ndim < 3 or len(x) % groups:
        raise ValueError(f"it is no weight of a convolution with {groups} groups")
    centre = tuple(size // 2 for size in x.shape[2:])
    outputs = len(x) // groups
    x.zero_()
    for group in range(groups):
        for channel in range(min(outputs, x.shape[1])):
            x[(group * outputs + channel, channel, *centre)] = 1


def _fans(x: Tensor) -> tuple[int, int]:
    """Return how many inputs an output has, and how many outputs an input."""
    if x.ndim < 2:
        raise ValueError("it has fewer than two dimensions")
    field = x[0, 0].numel()
    return x.shape[1] * field, x.shape[0] * field


def _kaiming_std(x: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fans: dict[str, Any] = dict(zip(("fan_in", "fan_out"), _fans(x), strict=True))
    gains = {**GAINS, "leaky_relu": math.sqrt(2 / (1 + a**2))}
    for name, given, known in (("mode", mode, fans), ("nonlinearity", nonlinearity, gains)):
        if given not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {given!r}")
    return float(gains[nonlinearity] / math.sqrt(fans[mode]))
