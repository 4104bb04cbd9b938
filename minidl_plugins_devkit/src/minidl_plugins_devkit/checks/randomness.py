"""Where randomness comes from, and that evaluation is the mean of training."""

from __future__ import annotations

import random
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minidl_plugins_devkit.diagnosis.agreement import labelled, must_agree, same_bits
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_plugins_devkit.subjects.cases import Case
    from minidl_plugins_devkit.subjects.subject import Subject

__all__ = [
    "eval_is_mean_of_train",
    "is_random",
    "no_hidden_randomness",
    "rows_draw_apart",
    "same_seed_same_bits",
    "watched",
]

DRAWS = 500
ROWS = 20
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


def rows_draw_apart(case: Case) -> str:
    """Equal rows of one batch get noise of their own."""
    subject = case.build()
    inputs = case.inputs(case.batches()[-1])
    axis = case.example.batch_axis
    if case.batch is None or axis is None or not is_random(subject, inputs):
        return "draws nothing for each row"
    alike = tuple(
        x.select(axis, 0).unsqueeze(axis).expand(x.shape).contiguous()
        if -x.ndim <= axis < x.ndim and x.shape[axis] == inputs[0].shape[axis]
        else x
        for x in inputs
    )
    for _ in range(ROWS):
        for y in subject.value(*alike):
            if y.ndim > 0 and len(y) == inputs[0].shape[axis] and (y != y[:1]).any():
                return ""
    raise ConformanceError(
        "all rows of a batch get the same noise",
        f"in each of {ROWS} draws",
        "the mask is drawn for one row and broadcast: draw it in the input's shape",
    )


def is_random(subject: Subject, inputs: tuple[Tensor, ...]) -> bool:
    """Whether the output depends on what is drawn from the given generator."""
    if subject.generator is None:
        return False
    subject.rewind()
    draws = [subject.forward(*inputs) for _ in range(3)]
    subject.let_go()
    subject.rewind()
    return any(not torch.equal(a, b) for y in draws[1:] for a, b in zip(draws[0], y, strict=True))
