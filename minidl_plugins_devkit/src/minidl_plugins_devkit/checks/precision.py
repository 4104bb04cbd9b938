"""Numbers as they are in practice: single precision, and large inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import MinidlError
from minidl_plugins_devkit.checks.randomness import is_random
from minidl_plugins_devkit.diagnosis.agreement import labelled
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_devkit.subjects.cases import Case
    from minidl_plugins_devkit.subjects.subject import Subject

__all__ = ["large_inputs", "single_precision"]

SINGLE = 2e-4  # of the largest element of a tensor: what rounding in float32 may cost
LARGE = 1000.0  # e¹⁰⁰⁰ overflows in float64
GROWTH = 64.0  # what doubling an input may do to a polynomial; an exponential does more


def single_precision(case: Case) -> str:
    """In float32, outputs and gradients are those of float64 up to rounding."""
    exact = case.build()
    inputs = tuple(x.float() if x.is_floating_point() else x for x in case.inputs())
    if is_random(exact, case.inputs()):
        return "draws other noise in another dtype"
    single = case.build(dtype=torch.float32)
    for (_, value, _), (_, into, _) in zip(exact.named_pairs(), single.named_pairs(), strict=True):
        into.copy_(value)
        value.copy_(into)  # rounded alike
    for name, buffer in exact.buffers().items():
        single.buffers()[name].copy_(buffer)
        buffer.copy_(single.buffers()[name])
    doubled = tuple(x.double() if x.is_floating_point() else x for x in inputs)
    right = labelled(exact.one_pass(doubled))
    mine = labelled(single.one_pass(inputs))
    weight = max(1.0, *(float(t.abs().max()) for t in right.values() if t.numel()))
    for name, tensor in mine.items():
        if not tensor.numel():
            continue
        gap = float((tensor.double() - right[name]).abs().max())
        size = max(float(right[name].abs().max()), 1e-3 * weight)
        if not gap <= SINGLE * size:
            raise ConformanceError(
                f"{name} in float32 is not that of float64",
                f"the largest difference is {gap:.3g}, of elements up to {size:.3g}",
                "a difference of large numbers (E[x²] − E[x]²), or a constant such as ε that "
                "float32 rounds away: rewrite the formula",
            )
    return ""


def large_inputs(case: Case) -> str:
    """Inputs up to ±1000 give finite outputs and gradients where the function has them.

    Outputs that grow as an exponential may overflow. An example that sets low, high or draw says
    what the range of its inputs is, unless the drawn inputs have both signs.
    """
    subject, inputs = case.build(), case.inputs()
    places = [
        i
        for i, x in enumerate(subject.differentiable(inputs))
        if x.is_floating_point() and x.numel() and bool((x > 0).any() and (x < 0).any())
    ]
    default = type(case.example)()
    bounded = (case.example.low, case.example.high) != (default.low, default.high)
    if not places or bounded:
        return "says what the range of its inputs is"
    if is_random(subject, inputs):
        return "is random"
    try:
        near, far = (
            max(_largest(subject, _scaled(inputs, places, sign * to)) for sign in (1, -1))
            for to in (15.0, 30.0)
        )
    except MinidlError as error:
        return f"refused: {error}"
    if not (far + 1) / (near + 1) <= GROWTH:
        return "grows as an exponential"
    for largest in (LARGE, -LARGE):  # the same numbers the other way round: both signs get there
        try:
            result = labelled(subject.one_pass(_scaled(inputs, places, largest)))
        except MinidlError as error:
            return f"refused: {error}"
        for name, tensor in result.items():
            if not tensor.isfinite().all():
                raise ConformanceError(
                    f"{name} is NaN or infinite for inputs up to {LARGE:g}",
                    f"where outputs up to {far:.3g} come from inputs up to 30",
                    "an exponential overflows: subtract the maximum (logsumexp), or use softplus, "
                    "expm1, log1p and the like",
                )
    return ""


def _scaled(inputs: tuple[Tensor, ...], places: list[int], to: float) -> tuple[Tensor, ...]:
    return tuple(
        x * (to / float(x.abs().max())) if i in places else x for i, x in enumerate(inputs)
    )


def _largest(subject: Subject, inputs: tuple[Tensor, ...]) -> float:
    outputs = subject.forward(*inputs)
    subject.let_go()
    return max(float(y.abs().max()) for y in outputs if y.numel())
