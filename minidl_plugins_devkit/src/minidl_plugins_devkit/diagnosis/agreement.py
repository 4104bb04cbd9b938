"""Saying that two runs agree, or where they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minidl_plugins_devkit.subjects.subject import Pass

__all__ = ["labelled", "must_agree", "same_bits", "snapshot"]

ROUNDING = 1e-10  # in float64, what another order of the same sums may change


def labelled(result: Pass) -> dict[str, Tensor]:
    """The tensors of a pass by what they are."""
    named = {f"output {i}": y for i, y in enumerate(result.outputs)}
    for i, grad in enumerate(result.input_grads):
        if isinstance(grad, Tensor):
            named[f"the gradient of input {i}"] = grad
    named.update({f"the gradient of {name}": g for name, g in result.parameter_grads.items()})
    return named


def must_agree(
    got: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    failure: str,
    *,
    exact: bool = False,
    cause: str = "",
) -> None:
    """Raise a ConformanceError, with `failure` after the tensor's name, where the two differ."""
    if got.keys() != expected.keys():
        different = ", ".join(sorted(got.keys() ^ expected.keys()))
        raise ConformanceError(f"{different} {failure}", "given in one run only", cause)
    for name, mine in got.items():
        right = expected[name]
        if mine.shape != right.shape or mine.dtype != right.dtype:
            raise ConformanceError(
                f"{name} {failure}",
                f"expected {tuple(right.shape)} of {right.dtype}, "
                f"got {tuple(mine.shape)} of {mine.dtype}",
                cause,
            )
        wrong = _differing(mine, right, exact)
        if wrong.any():
            gap = (mine - right).abs().masked_fill(~wrong, -1).nan_to_num(nan=torch.inf)
            index = [int(i) for i in torch.unravel_index(gap.argmax(), gap.shape)]
            place = tuple(index)
            raise ConformanceError(
                f"{name} {failure}",
                f"largest at {index}: expected {float(right[place]):.8g}, "
                f"got {float(mine[place]):.8g}",
                cause,
            )


def same_bits(a: Any, b: Any) -> bool:
    """Whether two nested structures of tensors and plain values are equal to the last bit."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and not _differing(a, b, True).any()
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_bits(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same_bits, a, b))
    if type(a) is not type(b):
        return False
    equal = a == b
    return bool(equal.all() if hasattr(equal, "all") else equal)  # arrays compare by element


def snapshot(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies that later changes in place do not reach."""
    return {name: tensor.clone() for name, tensor in tensors.items()}


def _differing(a: Tensor, b: Tensor, exact: bool) -> Tensor:
    if exact:
        return (a != b) & ~(a.isnan() & b.isnan())
    return ~torch.isclose(a, b, rtol=ROUNDING, atol=ROUNDING, equal_nan=True)
