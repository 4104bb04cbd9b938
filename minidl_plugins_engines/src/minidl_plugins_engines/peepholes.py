"""A call, or two, in the place of others that take longer for the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_engines.mentions import EXACT, adds_once, constant, mentions
from minidl_plugins_engines.program import Call, Value
from minidl_plugins_engines.trials import same_bits

if TYPE_CHECKING:
    from minidl_plugins_engines.program import Program

__all__ = ["means_as_sums", "numbers_as_tensors", "with_bias"]

aten = torch.ops.aten
WITH_NUMBER = frozenset(
    {
        *(aten.mul.Tensor, aten.mul_.Tensor, aten.add.Tensor, aten.add_.Tensor),
        *(aten.sub.Tensor, aten.sub_.Tensor, aten.div.Tensor, aten.div_.Tensor),
    }
)


def with_bias(calls: list[tuple[int, Call]], program: Program) -> list[tuple[int, Call]]:
    """X @ w + b in one call, where it gives the same bits."""
    touching = mentions(calls)
    escaping = {each.storage for each in program.outputs}
    makers = {
        call.result: at for at, (_, call) in enumerate(calls) if call.target is aten.mm.default
    }
    dropped: set[int] = set()
    for at, (_, call) in enumerate(calls):
        if call.target is not aten.add.Tensor or call.into or not adds_once(call):
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


def means_as_sums(calls: list[tuple[int, Call]], program: Program) -> list[tuple[int, Call]]:
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
            divisor = constant(program, float(count), value)
            done.append((at, Call(aten.div_.Tensor, (value, divisor), {}, [value], False, [value])))
    return done


def _divided(count: int) -> Any:
    return lambda x: torch.sum(x).div_(torch.tensor(float(count), dtype=x.dtype))


def numbers_as_tensors(call: Call, program: Program) -> None:
    result = call.results[0] if len(call.results) == 1 else None
    if result is None or result.dtype not in EXACT or result.device.type != "cpu":
        return
    if call.target is aten.pow.Tensor_Scalar and call.args[1] == 2:
        call.target, call.args = aten.mul.Tensor, (call.args[0], call.args[0])
    elif call.target is aten.rsub.Scalar and len(call.args) == 2 and not call.kwargs:
        call.target = aten.sub.Tensor
        call.args = (constant(program, call.args[1], result), call.args[0])
    elif call.target in WITH_NUMBER and type(call.args[1]) in (int, float):
        tensor = call.args[0]
        if isinstance(tensor, Value) and tensor.dtype == result.dtype:
            call.args = (tensor, constant(program, call.args[1], result))
