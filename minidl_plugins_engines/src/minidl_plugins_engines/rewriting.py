"""Rewrites of a program that leave every bit of its results as it is.

- Calls whose results nothing uses are left out: the gradient of the data, first of all.
- What is added to a gradient that was just set to zero is written straight into it.
- A product plus a bias becomes one call, where a trial shows that the bits are the same.
- A number in an elementwise operation becomes a tensor, which costs half of the conversion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_engines.grouping import group
from minidl_plugins_engines.program import Call, Program, Value, with_values
from minidl_plugins_engines.trials import MOST, same_bits

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["rewrite"]

aten = torch.ops.aten
# In-place products that add to their first argument, and the plain product.
ADDING = {
    aten.addmm_.default: aten.mm.default,
    aten.baddbmm_.default: aten.bmm.default,
    aten.addmv_.default: aten.mv.default,
}
PRODUCTS = frozenset({aten.mm.default, aten.bmm.default, aten.mv.default})
WITH_NUMBER = frozenset(
    {
        *(aten.mul.Tensor, aten.mul_.Tensor, aten.add.Tensor, aten.add_.Tensor),
        *(aten.sub.Tensor, aten.sub_.Tensor, aten.div.Tensor, aten.div_.Tensor),
    }
)
EXACT = (torch.float32, torch.float64)  # in these, kernels round a number as a tensor is rounded


def rewrite(program: Program) -> None:
    """Apply all rewrites to `program`, in place."""
    _without_idle_views(program)
    calls = list(enumerate(program.calls))
    calls = _without_unused(calls, program.outputs)
    calls = _into_zeroed(calls, program)
    calls = _with_bias(calls, program)
    calls = _means_as_sums(calls, program)
    for _, call in calls:
        _numbers_as_tensors(call, program)
    program.checked = sum(at < program.checked for at, _ in calls)
    program.calls = [call for _, call in calls]
    group(program)


def _without_idle_views(program: Program) -> None:
    """A view of the same shape and strides is the tensor itself, unless the user sees it."""
    same: dict[Value, Value] = {}

    def change(value: Value) -> Value:
        return same.get(value, value)

    outputs = {value.storage for value in program.outputs}
    for call in program.calls:
        call.args = with_values(call.args, change)
        call.kwargs = {key: with_values(value, change) for key, value in call.kwargs.items()}
        call.writes = [change(value) for value in call.writes]
        call.results = [value and change(value) for value in call.results]
        view = call.result
        if view is None or call.writes or not call.args or not isinstance(call.args[0], Value):
            continue
        base = call.args[0]
        alike = view.storage == base.storage and view.offset == base.offset and view.alike(base)
        if alike and view.storage not in outputs and view is not base:
            same[view] = base


def _without_unused(
    calls: list[tuple[int, Call]], outputs: Iterable[Value]
) -> list[tuple[int, Call]]:
    used = set(outputs)
    kept = []
    for at, call in reversed(calls):
        if not call.pure or any(each in used for each in call.results):
            used.update(call.uses)
            kept.append((at, call))
    kept.reverse()
    return kept


def mentions(calls: list[tuple[int, Call]]) -> dict[int, list[int]]:
    """Return the positions in `calls` that touch each storage, in order."""
    found: dict[int, list[int]] = {}
    for position, (_, call) in enumerate(calls):
        storages = {each.storage for each in (*call.uses, *call.results) if each is not None}
        for storage in storages:
            found.setdefault(storage, []).append(position)
    return found


def _into_zeroed(calls: list[tuple[int, Call]], program: Program) -> list[tuple[int, Call]]:
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
        if adding.args[:1] != (total,) or total.dtype not in EXACT or not _once(adding):
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
                zero = _constant(program, 0.0, total)
                calls[after[here + 1]] = (
                    calls[after[here + 1]][0],
                    Call(aten.add.Tensor, (term, zero), {}, [total], False, [total], into=total),
                )
    return [pair for position, pair in enumerate(calls) if position not in dropped]


def _found(positions: list[int], position: int) -> int:
    from bisect import bisect_left

    return bisect_left(positions, position)


def _once(adding: Call) -> bool:
    """Whether it adds without factors, and nothing but additions to its first argument."""
    return not adding.kwargs or all(value == 1 for value in adding.kwargs.values())


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


def _with_bias(calls: list[tuple[int, Call]], program: Program) -> list[tuple[int, Call]]:
    """X @ w + b in one call, where it gives the same bits."""
    touching = mentions(calls)
    escaping = {each.storage for each in program.outputs}
    makers = {
        call.result: at for at, (_, call) in enumerate(calls) if call.target is aten.mm.default
    }
    dropped: set[int] = set()
    for at, (_, call) in enumerate(calls):
        if call.target is not aten.add.Tensor or call.into or not _once(call):
            continue
        for product, bias in (call.args, call.args[::-1]):
            made = makers.get(product, -1) if isinstance(product, Value) else -1
            if made < 0 or not isinstance(bias, Value) or bias.dtype != product.dtype:
                continue
            if touching[product.storage] != [made, at] or product.storage in escaping:
                continue
            if bias.shape != product.shape[1:] or call.result is None:
                continue
            written = (
                any(
                    each.storage == argument.storage
                    for _, between in calls[made:at]
                    for each in between.writes
                    for argument in calls[made][1].uses
                )
                if at - made < 64
                else True
            )
            x, w = calls[made][1].args
            if not written and same_bits("addmm", torch.addmm, _mm_add, [bias, x, w]):
                call.target, call.args = aten.addmm.default, (bias, x, w)
                dropped.add(made)
                break
    return [pair for at, pair in enumerate(calls) if at not in dropped]


def _mm_add(bias: Any, x: Any, w: Any) -> Any:
    return torch.mm(x, w) + bias


def _means_as_sums(calls: list[tuple[int, Call]], program: Program) -> list[tuple[int, Call]]:
    """A mean over all elements is a sum that is divided, which takes two thirds of its time."""
    done = []
    for at, call in calls:
        done.append((at, call))
        value = call.result
        if call.target is not aten.mean.default or call.kwargs or value is None:
            continue
        (x,) = call.args
        count = x.size
        if value.dtype in EXACT and same_bits("mean", torch.mean, _divided(count), [x]):
            call.target = aten.sum.default
            divisor = _constant(program, float(count), value)
            done.append((at, Call(aten.div_.Tensor, (value, divisor), {}, [value], False, [value])))
    return done


def _divided(count: int) -> Any:
    return lambda x: torch.sum(x).div_(torch.tensor(float(count), dtype=x.dtype))


def _numbers_as_tensors(call: Call, program: Program) -> None:
    result = call.results[0] if len(call.results) == 1 else None
    if result is None or result.dtype not in EXACT or result.device.type != "cpu":
        return
    if call.target is aten.pow.Tensor_Scalar and call.args[1] == 2:
        call.target, call.args = aten.mul.Tensor, (call.args[0], call.args[0])
    elif call.target is aten.rsub.Scalar and len(call.args) == 2 and not call.kwargs:
        call.target = aten.sub.Tensor
        call.args = (_constant(program, call.args[1], result), call.args[0])
    elif call.target in WITH_NUMBER and type(call.args[1]) in (int, float):
        tensor = call.args[0]
        if isinstance(tensor, Value) and tensor.dtype == result.dtype:
            call.args = (tensor, _constant(program, call.args[1], result))


def _constant(program: Program, number: float, like: Value) -> Value:
    """Return `number` as a constant of the dtype of `like`; the same one for the same number."""
    tensor = torch.tensor(number, dtype=like.dtype)
    key = (repr(number), like.dtype)
    if key not in program.numbers:
        program.storages += 1
        at = program.storages
        value = Value(f"n{at}", -at, tensor.shape, tensor.stride(), 0, tensor.dtype, tensor.device)
        program.constants[value] = tensor
        program.numbers[key] = value
    return program.numbers[key]
