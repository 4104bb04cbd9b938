"""Where randomness comes from, and that evaluation is the mean of training."""

from __future__ import annotations

import random
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minidl_core.testing.comparing import labelled, must_agree, same_bits
from minidl_core.testing.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_core.testing.cases import Case
    from minidl_core.testing.subjects import Subject

__all__ = [
    "eval_is_mean_of_train",
    "is_random",
    "no_hidden_randomness",
    "same_seed_same_bits",
    "watched",
]

DRAWS = 500
SIGMAS = 8.0  # few enough draws may remain of a dropout that the law is not quite normal


def same_seed_same_bits(case: Case) -> str:
    """Two instances built and run from the same seed give the same, to the last bit."""
    runs = [case.build(fresh=True).one_pass(case.inputs()) for _ in range(2)]
    must_agree(
        labelled(runs[1]),
        labelled(runs[0]),
        "differs between two instances made from the same seed",
        exact=True,
        cause="randomness that does not come from the generator argument",
    )
    return ""


def no_hidden_randomness(case: Case) -> str:
    """Building and running draw nothing from the global generators of torch, random and numpy."""
    with watched("building"):
        subject = case.build(fresh=True)
    inputs = case.inputs()
    with watched("forward or backward"):
        subject.one_pass(inputs)
    return ""


@contextmanager
def watched(what: str) -> Iterator[None]:
    """Fail if `what` is done with a global generator; they are as before afterwards."""
    before = _global_states()
    try:
        yield
    finally:
        after = _global_states()
        torch.set_rng_state(before["torch"])
        random.setstate(before["random"])
    for name, state in before.items():
        if not same_bits(state, after[name]):
            raise ConformanceError(
                f"{what} draws from the global generator of {name}",
                cause="accept generator: torch.Generator | None = None, and draw from it: "
                "torch.randn(..., generator=generator), x.new_empty(...).bernoulli_(p, "
                "generator=generator)",
            )


def _global_states() -> dict[str, Any]:
    states: dict[str, Any] = {"torch": torch.get_rng_state(), "random": random.getstate()}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        _, keys, position, *rest = numpy.random.get_state()
        states["numpy"] = [keys.tolist(), position, *rest]
    return states


def eval_is_mean_of_train(case: Case) -> str:
    """The output in evaluation mode is the mean over the noise of the output in training mode.

    The mean of 500 draws must be within eight of its standard errors, in every element and in
    the projection of all on the output of evaluation mode.
    """
    subject, inputs = case.build(), case.inputs()
    if not is_random(subject, inputs):
        return "draws nothing in forward"
    subject.module.eval()
    expected = subject.forward(*inputs)
    subject.module.train()
    wanted = _with_total(expected, expected)
    total, squares = torch.zeros_like(wanted), torch.zeros_like(wanted)
    for _ in range(DRAWS):
        drawn = _with_total(subject.value(*inputs), expected)
        total += drawn
        squares += drawn * drawn
    mean = total / DRAWS
    error = ((squares / DRAWS - mean * mean).clamp(min=0) / DRAWS).sqrt()
    wrong = (mean - wanted).abs() > SIGMAS * error + 1e-6
    if wrong.any():
        raise ConformanceError(
            "the output in evaluation mode is not the mean of training mode",
            f"over {DRAWS} draws; training gives about {float(mean[-1] / wanted[-1]):.3f} times "
            "as much",
            "the noise is not rescaled: where a share p is dropped, divide what stays by 1 − p",
        )
    return ""


def _with_total(outputs: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> Tensor:
    """Every element, and last their common projection Σ y ȳ, which has the least noise."""
    flat = torch.cat([y.flatten() for y in outputs])
    return torch.cat([flat, (flat @ torch.cat([y.flatten() for y in expected])).reshape(1)])


def is_random(subject: Subject, inputs: tuple[Tensor, ...]) -> bool:
    """Whether forward draws from the generator it was given."""
    if subject.generator is None:
        return False
    before = subject.generator.get_state()
    subject.forward(*inputs)
    subject.let_go()
    return not torch.equal(before, subject.generator.get_state())
