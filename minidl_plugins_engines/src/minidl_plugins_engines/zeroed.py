"""What is added to a gradient that was just set to zero is written straight into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_engines.mentions import EXACT, adds_once, constant, mentions
from minidl_plugins_engines.program import Call, Value
from minidl_plugins_engines.trials import MOST, same_bits

if TYPE_CHECKING:
    from minidl_plugins_engines.program import Program

__all__ = ["into_zeroed"]

aten = torch.ops.aten
# In-place products that add to their first argument, and the plain product.
ADDING = {
    aten.addmm_.default: aten.mm.default,
    aten.baddbmm_.default: aten.bmm.default,
    aten.addmv_.default: aten.mv.default,
}


PRODUCTS = frozenset({aten.mm.default, aten.bmm.default, aten.mv.default})


def into_zeroed(calls: list[tuple[int, Call]], program: Program) -> list[tuple[int, Call]]:
    """Zeroing, and the first addition after it, become one call."""
    touching = mentions(calls)
    maker = {
        result: position
        for position, (_, call) in enumerate(calls)
        for result in call.results
        if result is not None and result not in call.writes
    }
    dropped: set[int] = set()
    for position, (_, call) in enumerate(calls):
        if call.target is not aten.zero_.default:
            continue
        total = call.args[0]
        after = touching[total.storage]
        here = after.index(position) if len(after) < 8 else _found(after, position)
        if here + 1 == len(after):
            continue
        adding = calls[after[here + 1]][1]
        if adding.args[:1] != (total,) or total.dtype not in EXACT or not adds_once(adding):
            continue
        if adding.target in ADDING:
            _, a, b = adding.args
            product = ADDING[adding.target]
            if _starts_at_zero(product, a, b):
                calls[after[here + 1]] = (
                    calls[after[here + 1]][0],
                    Call(product, (a, b), {}, [total], False, [total], into=total),
                )
                dropped.add(position)
        elif adding.target is aten.add_.Tensor and _fits(adding.args[1], total):
            term = adding.args[1]
            made = maker.get(term, -1)
            producer = calls[made][1] if made > position else None
            only = touching[term.storage] == [made, after[here + 1]]
            dropped.add(position)
            if producer and only and term.alike(total) and _is_sum_from_zero(producer):
                producer.into, producer.results, producer.writes = total, [total], [total]
                dropped.add(after[here + 1])
            else:  # p + 0 makes a negative zero positive, as 0 + p does
                zero = constant(program, 0.0, total)
                calls[after[here + 1]] = (
                    calls[after[here + 1]][0],
                    Call(aten.add.Tensor, (term, zero), {}, [total], False, [total], into=total),
                )
    return [pair for position, pair in enumerate(calls) if position not in dropped]


def _found(positions: list[int], position: int) -> int:
    from bisect import bisect_left

    return bisect_left(positions, position)


def _fits(term: Any, total: Value) -> bool:
    return (
        isinstance(term, Value)
        and term.storage != total.storage
        and (term.shape, term.dtype, term.device) == (total.shape, total.dtype, total.device)
    )


def _is_sum_from_zero(call: Call) -> bool:
    """Whether it sums from a zero, so that its result is no negative zero."""
    if call.target in PRODUCTS:
        return _starts_at_zero(call.target, *call.args)
    if call.target is aten.sum.dim_IntList and not call.kwargs:
        return same_bits("sum", _sum(call.args), _zero_plus(_sum(call.args)), call.uses)
    return False


def _starts_at_zero(product: Any, a: Value, b: Value) -> bool:
    if a.size + b.size > MOST or a.device.type != "cpu":
        return a.shape[-1] > 1
    return same_bits(str(product), product, _zero_plus(product), [a, b])


def _sum(args: tuple[Any, ...]) -> Any:
    return lambda x: torch.sum(x, *args[1:])


def _zero_plus(function: Any) -> Any:
    def added(*tensors: Any) -> Any:
        result = function(*tensors)
        return torch.zeros_like(result).add_(result)

    return added
