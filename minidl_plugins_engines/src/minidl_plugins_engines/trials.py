"""Whether two ways to compute something give the same bits on this machine, found by trying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from minidl_plugins_engines.program import Value

__all__ = ["same_bits"]

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


def _trials(arguments: Sequence[Value]) -> list[list[Tensor]]:
    generator = torch.Generator().manual_seed(0)
    random = [
        [each.empty().copy_(torch.randn(each.shape, generator=generator)) for each in arguments]
        for _ in range(2)
    ]
    zeros = [each.empty().fill_(1.0 if i else -0.0) for i, each in enumerate(arguments)]
    return [*random, zeros]


def _equal(a: Tensor, b: Tensor) -> bool:
    whole = {2: torch.int16, 4: torch.int32, 8: torch.int64}[a.element_size()]
    return a.stride() == b.stride() and torch.equal(a.view(whole), b.view(whole))
