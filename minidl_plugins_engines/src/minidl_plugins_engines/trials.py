"""Whether two ways to compute something give the same bits on this machine, found by trying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_engines.program import with_values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from minidl_plugins_engines.program import Call, Value

__all__ = ["MOST", "same_bits", "same_in_parts"]

MOST = 1 << 18  # elements; nothing larger is tried
_known: dict[Any, bool] = {}


def same_bits(
    what: str,
    one: Callable[..., Tensor],
    other: Callable[..., Tensor],
    arguments: Sequence[Value],
) -> bool:
    """Whether `one` and `other` agree in every bit on tensors like `arguments`.

    They are run on random numbers and on negative zeros. How the sums of a product are ordered
    depends on shapes, strides and the number of threads, not on the numbers, so that another order
    shows in some element. The answer is remembered.
    """
    if sum(each.size for each in arguments) > MOST or arguments[0].device.type != "cpu":
        return False
    forms = tuple((each.shape, each.stride, each.dtype) for each in arguments)
    key = (what, forms, torch.get_num_threads())
    if key not in _known:
        _known[key] = all(_equal(one(*tensors), other(*tensors)) for tensors in _trials(arguments))
    return _known[key]


def same_in_parts(
    call: Call, sizes: list[int], offsets: list[int], length: int, constants: dict[Value, Tensor]
) -> bool:
    """Whether an elementwise `call` gives the same bits on a whole as on its parts.

    Vector instructions and those for the rest of a tensor may round differently: in powers and
    logarithms they do, in sums, products, quotients and square roots they do not.
    """
    numbers = {v: constants.get(v) for v in call.uses if v.shape == ()}
    values = [v for v in dict.fromkeys(call.uses) if v.shape != ()]
    pattern = repr(
        [
            with_values(
                each,
                lambda v: (
                    ("n", None if (number := numbers.get(v)) is None else number.item())
                    if v.shape == ()
                    else values.index(v)
                ),
            )
            for each in (call.args, tuple(call.kwargs.items()))
        ]
    )
    dtypes = tuple(v.dtype for v in values)
    key = (call.target, pattern, tuple(sizes), dtypes, torch.get_num_threads())
    if values[0].device.type != "cpu":
        return False
    if key not in _known:
        generator = torch.Generator().manual_seed(0)
        whole = {v: torch.randn(length, generator=generator).to(v.dtype).abs_() for v in values}
        single = {
            v: torch.rand((), generator=generator).to(v.dtype) if known is None else known
            for v, known in numbers.items()
        }
        parts = [
            _outcome(call, {v: t[o : o + n].clone() for v, t in whole.items()} | single, values)
            for o, n in zip(offsets, sizes, strict=True)
        ]
        together = _outcome(call, whole | single, values)
        _known[key] = all(
            _equal(part, one[o : o + n])
            for results, o, n in zip(parts, offsets, sizes, strict=True)
            for part, one in zip(results, together, strict=True)
        )
    return _known[key]


def _outcome(call: Call, tensors: dict[Value, Tensor], values: list[Value]) -> list[Tensor]:
    """Return the result of `call`, and what became of its arguments."""
    args = (with_values(each, tensors.__getitem__) for each in call.args)
    kwargs = {key: with_values(each, tensors.__getitem__) for key, each in call.kwargs.items()}
    return [call.target(*args, **kwargs), *(tensors[v] for v in values)]


def _trials(arguments: Sequence[Value]) -> list[list[Tensor]]:
    generator = torch.Generator().manual_seed(0)
    random = [[_drawn(each, generator) for each in arguments] for _ in range(2)]
    zeros = [
        torch.full_like(_drawn(each, generator), 1.0 if i else -0.0)
        for i, each in enumerate(arguments)
    ]
    return [*random, zeros]


def _drawn(value: Value, generator: torch.Generator) -> Tensor:
    """Return random numbers in the shape and strides of `value`, which may overlap."""
    numbers = torch.randn(value.span, generator=generator).to(value.dtype)
    return numbers.as_strided(value.shape, value.stride)


def _equal(a: Tensor, b: Tensor) -> bool:
    whole = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[a.element_size()]
    return a.stride() == b.stride() and torch.equal(a.view(whole), b.view(whole))
