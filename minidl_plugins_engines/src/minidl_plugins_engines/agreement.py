"""Whether an engine does what ``eager`` does."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import ArgumentError, eager
from minidl_plugins_engines.replaying import replay
from minidl_plugins_engines.snapshots import TensorState
from minidl_plugins_engines.threads import plain_step
from minidl_plugins_engines.tracing import in_a_tuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from minidl_core import Engine

__all__ = ["agrees_with_eager"]


def agrees_with_eager(
    model: Any,
    loss: Any,
    optimizer: Any,
    batches: Iterable[tuple[Any, Any]],
    *,
    engine: Engine = replay,
    rtol: float = 0.0,
    atol: float = 0.0,
) -> list[str]:
    """Train copies of the three with `engine` and eagerly; return what differs, in sentences.

    Nothing given is changed, but for random generators. Steps are compared one by one: prediction,
    loss, parameters, gradients and buffers. Without tolerances they must be equal.

    Args:
        batches: pairs (input, target), as for `minidl_core.train`; at least five of one shape, for
            the first of each shape are not traced.

    Raises:
        ArgumentError: there are no batches, or one is no such pair.
    """
    ours, theirs = (copy.deepcopy((model, loss, optimizer)) for _ in range(2))
    traced = engine(*ours)
    plain = plain_step(eager(*theirs), theirs[0])
    for which in (0, 1):
        ours[which].train()
        theirs[which].train()
    number = -1
    for number, batch in enumerate(batches):
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise _no_batches(f"{type(batch).__name__} as batch {number}")
        inputs, target = batch
        given = in_a_tuple(inputs)
        start = TensorState((), ())
        one = traced(given, target)
        start.restore()
        other = plain(given, target)
        found = [
            f"step {number}: {name} differs by up to {(a - b).abs().max().item():.3g}"
            for name, a, b in _pairs(one, other, ours, theirs)
            if not torch.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
        ]
        if found:
            return found
    if number < 0:
        raise _no_batches("none")
    return []


def _no_batches(got: str) -> ArgumentError:
    return ArgumentError(
        f"expected batches to compare on, pairs (input, target), got {got}; write "
        "[(input, target)] * 6",
        where="agrees_with_eager",
    )


def _pairs(one: Any, other: Any, ours: Any, theirs: Any) -> Iterator[tuple[str, Tensor, Tensor]]:
    for a, b in zip(in_a_tuple(one[0]), in_a_tuple(other[0]), strict=True):
        yield "the prediction", a, b
    yield "the loss", one[1], other[1]
    for which in (0, 1):
        mine, yours = ours[which], theirs[which]
        for i, (p, q) in enumerate(zip(mine.param(), yours.param(), strict=True)):
            yield f"the value of parameter {i}", p.value, q.value
            yield f"the gradient of parameter {i}", p.grad, q.grad
        buffers: Any = getattr(yours, "named_buffers", list)()
        for (name, a), (_, b) in zip(getattr(mine, "named_buffers", list)(), buffers, strict=True):
            yield f"the buffer {name}", a, b
