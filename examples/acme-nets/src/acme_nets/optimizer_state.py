"""What the optimizers take over from a state, after looking at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acme_nets.checks import finite_number
from minidl_core import ArgumentError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from minidl_core import Parameter

__all__ = ["averages_like", "check_keys", "two_betas"]


def two_betas(where: str, betas: Sequence[float]) -> tuple[float, float]:
    """Both, each at least 0 and less than 1."""
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise ArgumentError(f"betas must be two numbers, got {betas!r}", where=where)
    first, second = (
        finite_number(where, f"betas[{place}]", beta, least=0, below=1)
        for place, beta in enumerate(betas)
    )
    return first, second


def check_keys(where: str, state: Mapping[str, Any], keys: set[str]) -> None:
    """Refuse a state that lacks one of `keys`."""
    missing = keys - state.keys()
    if missing:
        raise ArgumentError(
            f"expected the state that {where}.state_dict() gives, got one without "
            f"{', '.join(sorted(missing))}",
            where=where,
        )


def averages_like(
    where: str, params: Sequence[Parameter], averages: Sequence[Tensor]
) -> list[Tensor]:
    """Copies of `averages` in the dtypes and on the devices of `params`, if the shapes fit."""
    expected = [tuple(parameter.value.shape) for parameter in params]
    got = [tuple(average.shape) for average in averages]
    if got != expected:
        raise ShapeError(
            f"expected averages of the parameters' shapes {expected}, got {got}; "
            "the state belongs to another model",
            where=where,
        )
    return [a.to(p.value, copy=True) for a, p in zip(averages, params, strict=True)]
