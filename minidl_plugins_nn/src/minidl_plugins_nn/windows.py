"""The kernels of pooling: torch has them in two and three dimensions.

A sequence is an image of height 1: the functions put that dimension in, and take it out again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_nn.half import wide_on_cpu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["average", "average_backward", "call", "flat"]

_aten = torch.ops.aten


def flat(sizes: Sequence[int], fill: int = 1) -> list[int]:
    """Return the sizes of a sequence as those of an image of height 1; others unchanged."""
    return [fill, *sizes] if len(sizes) == 1 else list(sizes)


def call(dims: int, name: str, *args: Any) -> Any:
    """Call torch's kernel ``name`` of `dims` dimensions; a `{}` in it is replaced by them.

    Tensors of a sequence get, and results lose, the dimension of height 1.
    """
    kernel = getattr(_aten, name.format(max(dims, 2)))
    if dims > 1:
        return kernel(*args)
    results = kernel(*(a.unsqueeze(-2) if isinstance(a, torch.Tensor) else a for a in args))
    if isinstance(results, tuple):
        return tuple(result.squeeze(-2) for result in results)
    return results.squeeze(-2)


def average(x: Tensor, kernel: Sequence[int], *rest: Any) -> Tensor:
    """Return the mean of each window; see torch.nn.functional.avg_pool2d for the arguments."""
    y: Tensor = call(len(kernel), "avg_pool{}d", wide_on_cpu(x), *_flat_window(kernel, *rest))
    return y.to(x.dtype)


def average_backward(
    grad_output: Tensor, shape: Sequence[int], kernel: Sequence[int], *rest: Any
) -> Tensor:
    """Return the gradient of `average` with respect to its input of this `shape`."""
    dy = wide_on_cpu(grad_output)
    like = dy.new_empty(shape)  # only its shape is read
    window = _flat_window(kernel, *rest)
    dx: Tensor = call(len(kernel), "avg_pool{}d_backward", dy, like, *window)
    return dx.to(grad_output.dtype)


def _flat_window(
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> tuple[Any, ...]:
    return flat(kernel), flat(stride), flat(padding, 0), ceil_mode, count_include_pad, divisor
