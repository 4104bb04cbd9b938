"""What backward may have computed in place of the gradient: other derivatives, by differences.

Each is the gradient of a slightly different function: with another grad_output, with a parameter
transposed, by another input. If what came is one of them, the mistake is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from minidl_core.testing.differences import compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from minidl_core.testing.gradient_checks import Probe

__all__ = ["hypotheses"]


def hypotheses(
    probe: Probe, x: Tensor, right: Tensor, others: Mapping[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """Descriptions of mistakes with the gradient by `x` that each of them gives.

    Args:
        probe: the failed comparison.
        x: the input or the value of the parameter whose gradient is wrong.
        right: its gradient by differences.
        others: what else is differentiated, by name.
    """
    weights = probe.weights
    for name, other in others.items():
        if other.shape == x.shape:
            yield f"it is the gradient of {name}: the two are swapped", _numeric(probe, other)
    if not probe.subject.is_loss:
        ones = tuple(map(torch.ones_like, weights))
        yield (
            "it ignores grad_output, the factor that the chain rule brings",
            _numeric(probe, x, ones),
        )
        for weight in weights:
            if weight.shape == x.shape:
                yield "it is grad_output, handed on: the layer's own derivative is missing", weight
                yield (
                    "grad_output itself is missing from the sum: a skip connection has a gradient",
                    right - weight,
                )
        for row in (0, -1):
            only = tuple(_only_row(weight, row) for weight in weights)
            which = "first" if row == 0 else "last"
            yield (
                f"it is the gradient of the {which} row alone: the sum over the batch is missing",
                _numeric(probe, x, only),
            )
    for name, value, _ in probe.subject.named_pairs():
        if value is not x and value.ndim > 1 and value.shape[-1] == value.shape[-2] > 1:
            before = value.clone()
            value.copy_(before.mT)
            gradient = _numeric(probe, x)
            value.copy_(before)
            yield f"it uses {name} transposed", gradient


def _numeric(probe: Probe, x: Tensor, weights: tuple[Tensor, ...] | None = None) -> Tensor:
    """The gradient by `x` from differences; NaN where there are too many kinks to have one."""
    unknown = torch.full(x.shape, torch.nan, dtype=torch.float64)
    used = probe.weights if weights is None else weights
    found = compare(lambda: probe.terms(used), x, unknown, probe.case.generator(), limit=False)
    return found.numeric.reshape(x.shape) if found.numeric.numel() == x.numel() else unknown


def _only_row(weight: Tensor, row: int) -> Tensor:
    kept = torch.zeros_like(weight)
    if weight.ndim and len(weight):
        kept[row] = weight[row]
    return kept
