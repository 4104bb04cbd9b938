"""What one step of an optimizer may touch, and which way it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_core import Parameter
from minidl_plugins_devkit.diagnosis.agreement import must_agree, snapshot
from minidl_plugins_devkit.errors import ConformanceError
from minidl_plugins_devkit.subjects.trials import Trial

if TYPE_CHECKING:
    from minidl_plugins_devkit.subjects.cases import Case

__all__ = [
    "descends_quadratic",
    "finite_at_zero_gradient",
    "follows_sign",
    "gradients_kept",
    "in_place",
    "instances_apart",
    "refuses_no_parameters",
    "shared_stepped_once",
    "zero_grad",
]


def descends_quadratic(case: Case) -> str:
    """100 steps on f(p) = ½ Σ a (p − c)² end lower than they began, and finite.

    Here a is in [0.5, 2] and c is small, so that a decay towards zero goes the same way.
    """
    trial = Trial(case)
    generator = case.generator(400)
    bowl = [
        (
            torch.empty_like(p.value).uniform_(0.5, 2, generator=generator),
            torch.empty_like(p.value).uniform_(-0.1, 0.1, generator=generator),
        )
        for p in trial.parameters
    ]

    def height() -> float:
        pairs = zip(trial.parameters, bowl, strict=True)
        return sum(float((a * (p.value - c).square()).sum()) / 2 for p, (a, c) in pairs)

    first = height()
    for _ in range(100):
        trial.optimizer.zero_grad()
        for parameter, (a, c) in zip(trial.parameters, bowl, strict=True):
            parameter.grad.add_(a * (parameter.value - c))  # df/dp = a (p − c)
        trial.optimizer.step()
    last = height()
    if not last < first:
        raise ConformanceError(
            "100 steps do not descend a quadratic",
            f"it was {first:.6g} and became {last:.6g}",
            "it goes up the gradient, does nothing, or the example's lr is too large",
        )
    return ""


def follows_sign(case: Case) -> str:
    """The first step moves every element against the sign of its gradient."""
    trial = Trial(case)
    for parameter in trial.parameters:
        parameter.value.mul_(0.01)  # too small for a decay to outweigh the gradient
    trial.set_gradients(0)
    before = trial.values()
    trial.optimizer.step()
    for number, (name, old) in enumerate(before.items()):
        parameter = trial.parameters[number]
        moved = parameter.value - old
        wrong = moved * parameter.grad >= 0
        if wrong.any():
            still = bool((moved == 0).all())
            up = bool((moved * parameter.grad > 0).all())
            raise ConformanceError(
                f"the first step does not move {name} against its gradient",
                f"in {int(wrong.sum())} of {wrong.numel()} elements",
                "it is not moved at all" if still else "it goes up the gradient" if up else "",
            )
    return ""


def shared_stepped_once(case: Case) -> str:
    """A parameter that is listed twice is stepped once, and the order of the others is kept.

    It may be the same object twice, or two that hold the same value and gradient.
    """
    once = Trial(case).advance(0, 3).values()
    for again in (lambda p: p, lambda p: Parameter(p.value, p.grad)):
        must_agree(
            Trial(case, again=again).advance(0, 3).values(),
            once,
            "is another when a parameter is listed twice",
            exact=True,
            cause="a shared parameter is stepped for each time it is listed: keep each once, by "
            "the id of its value (BaseOptimizer does)",
        )
    return ""


def instances_apart(case: Case) -> str:
    """Two instances in turns go where each goes alone."""
    alone = Trial(case).advance(0, 4).values()
    first, second = Trial(case), Trial(case)
    for number in range(4):
        first.advance(number, number + 1)
        second.advance(number, number + 1)
    for trial in (first, second):
        must_agree(
            trial.values(),
            alone,
            "is another when a second optimizer is at work",
            exact=True,
            cause="a list or dict in the class, or as a default argument, is one for all instances",
        )
    return ""


def finite_at_zero_gradient(case: Case) -> str:
    """A gradient of zero, as behind a dead ReLU, makes no value NaN or infinite."""
    trial = Trial(case)
    trial.optimizer.zero_grad()
    for _ in range(3):
        trial.optimizer.step()
    for name, value in trial.values().items():
        if not value.isfinite().all():
            raise ConformanceError(
                f"{name} becomes NaN or infinite when its gradient is zero",
                cause="a division by the gradient's size: add ε to it",
            )
    return ""


def zero_grad(case: Case) -> str:
    """``zero_grad()`` makes every gradient zero, in the same tensors, and touches no value."""
    trial = Trial(case)
    trial.set_gradients(0)
    held, before = [p.grad for p in trial.parameters], trial.values()
    trial.optimizer.zero_grad()
    for number, (parameter, grad) in enumerate(zip(trial.parameters, held, strict=True)):
        if parameter.grad is not grad:
            raise ConformanceError(
                f"zero_grad() replaces the gradient of parameter {number}",
                cause="a module may hold the tensor: use grad.zero_()",
            )
        if grad.count_nonzero():
            raise ConformanceError(f"zero_grad() leaves the gradient of parameter {number}")
    must_agree(trial.values(), before, "is changed by zero_grad()", exact=True)
    return ""


def in_place(case: Case) -> str:
    """``step()`` changes the value tensors themselves, which the modules hold."""
    trial = Trial(case)
    held, before = [p.value for p in trial.parameters], trial.values()
    trial.advance(0, 1)
    for number, (parameter, value) in enumerate(zip(trial.parameters, held, strict=True)):
        if parameter.value is not value:
            raise ConformanceError(
                f"step() replaces the value of parameter {number} by another tensor",
                cause="value = value - ... makes a new one: use value.sub_(...) or value -= ...",
            )
        if bool((value == before[f"parameter {number}"]).all()):
            raise ConformanceError(
                f"step() does not change the value of parameter {number}",
                cause="it changes a copy, or an iterator of parameters that is used up",
            )
    return ""


def gradients_kept(case: Case) -> str:
    """``step()`` leaves the gradients as they are, to be read after it.

    It may scale them all by one factor, as clipping by a norm does.
    """
    trial = Trial(case)
    for number in range(3):
        trial.set_gradients(number)
        grads = {f"the gradient of parameter {i}": p.grad for i, p in enumerate(trial.parameters)}
        before = snapshot(grads)
        trial.optimizer.step()
        old, new = (torch.cat([g.flatten() for g in each.values()]) for each in (before, grads))
        factor = float(new @ old / (old @ old))
        if 0 < factor <= 1 and torch.allclose(new, factor * old, rtol=1e-12, atol=0):
            continue
        must_agree(
            grads,
            before,
            "is changed by step()",
            exact=True,
            cause="weight decay or momentum is added to grad in place: add it to a copy",
        )
    return ""


def refuses_no_parameters(case: Case) -> str:
    """No parameters are an error: they usually are an iterator that was used up."""
    try:
        case.construct([])
    except Exception:
        return ""
    raise ConformanceError(
        "an empty list of parameters is accepted",
        cause="raise minidl_core.ArgumentError (BaseOptimizer does)",
    )
