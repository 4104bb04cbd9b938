"""What backward may have computed in place of the gradient: other derivatives, by differences.

Each is the gradient of a slightly different function: with another grad_output, with a parameter
transposed, by another input. If the wrong gradient is one of them, the mistake is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_plugins_devkit.diagnosis.kept import mistaken_for_another

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from minidl_plugins_devkit.diagnosis.probe import Probe

__all__ = ["hypotheses"]


def hypotheses(
    probe: Probe, x: Tensor, right: Tensor, others: Mapping[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """Yield descriptions of mistakes with the gradient by `x` that each of them gives.

    Args:
        probe: the failed comparison.
        x: the input or the value of the parameter whose gradient is wrong.
        right: its gradient by differences.
        others: what else is differentiated, by name.
    """
    for name, other in others.items():
        if other.shape == x.shape:
            yield f"it is the gradient of {name}: the two are swapped", probe.derivative(other)
    if not probe.subject.is_loss:
        yield from _of_grad_output(probe, x, right)
        yield from _of_rows(probe, x)
        yield from _of_repeated_indices(probe, x)
        yield from mistaken_for_another(probe, x, right)
    yield from _of_transposed_parameters(probe, x)
    own = _by_own_input_alone(probe, x)
    if own is not None:
        alone = "it is the derivative of each output by its own input alone"
        yield f"{alone}: the other elements matter too, as in a softmax or a norm", own


def _of_grad_output(probe: Probe, x: Tensor, right: Tensor) -> Iterator[tuple[str, Tensor]]:
    ones = tuple(map(torch.ones_like, probe.weights))
    yield (
        "it ignores grad_output, the factor that the chain rule brings",
        probe.derivative(x, ones),
    )
    for weight in probe.weights:
        if weight.shape == x.shape:
            yield "it is grad_output, handed on: the layer's own derivative is missing", weight
            yield (
                "grad_output itself is missing from the sum: a skip connection has a gradient",
                right - weight,
            )


def _of_rows(probe: Probe, x: Tensor) -> Iterator[tuple[str, Tensor]]:
    for dim, what in ((0, "row"), (1, "step along dimension 1")):
        if dim == 1 and not any(weight.ndim > 2 for weight in probe.weights):
            continue
        for place, which in ((0, "first"), (-1, "last")):
            only = tuple(_only(weight, place, dim) for weight in probe.weights)
            missing = "batch" if dim == 0 else "steps"
            alone = f"it is the gradient of the {which} {what} alone"
            yield f"{alone}: the sum over the {missing} is missing", probe.derivative(x, only)


def _only(weight: Tensor, place: int, dim: int) -> Tensor:
    kept = torch.zeros_like(weight)
    if weight.ndim > dim and weight.shape[dim]:
        kept.select(dim, place).copy_(weight.select(dim, place))
    return kept


def _of_repeated_indices(probe: Probe, x: Tensor) -> Iterator[tuple[str, Tensor]]:
    """An index that stands in several places, counted once: the last place alone counts."""
    for index in probe.inputs:
        if index.is_floating_point() or len(probe.weights) != 1:
            continue
        (weight,) = probe.weights
        if weight.shape[: index.ndim] != index.shape:
            continue
        flat = index.flatten().tolist()
        last = torch.tensor([value not in flat[i + 1 :] for i, value in enumerate(flat)])
        kept = last.reshape(index.shape).reshape(*index.shape, *[1] * (weight.ndim - index.ndim))
        if not last.all():
            once = "it counts an index that is repeated once"
            cure = "grad[index] += … does, grad.index_add_(0, index, …) does not"
            yield f"{once}: {cure}", probe.derivative(x, (weight * kept,))


def _of_transposed_parameters(probe: Probe, x: Tensor) -> Iterator[tuple[str, Tensor]]:
    for name, value, _ in probe.subject.named_pairs():
        if value is not x and value.ndim > 1 and value.shape[-1] == value.shape[-2] > 1:
            before = value.clone()
            value.copy_(before.mT)
            gradient = probe.derivative(x)
            value.copy_(before)
            yield f"it uses {name} transposed", gradient


def _by_own_input_alone(probe: Probe, x: Tensor) -> Tensor | None:
    """The diagonal of the Jacobian times grad_output, where there is one."""
    (weight, *_) = probe.weights
    if weight.shape != x.shape or not 1 < x.numel() <= 128 or not x.is_contiguous():
        return None
    if not any(x is each for each in probe.inputs):
        return None
    step, found, flat = 6e-6, torch.zeros_like(x), x.view(-1)
    for place in range(x.numel()):
        before = float(flat[place])
        flat[place] = before + step
        above = float(probe.terms(probe.weights)[place])
        flat[place] = before - step
        below = float(probe.terms(probe.weights)[place])
        flat[place] = before
        found.view(-1)[place] = (above - below) / (2 * step)
    return found
