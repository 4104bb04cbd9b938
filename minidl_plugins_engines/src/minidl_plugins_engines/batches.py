"""What of a batch a trace depends on: the shapes, dtypes and places of its tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_plugins_engines.namespace import Namespace

__all__ = ["condition", "signature"]

# What says whether a mode is switched on that changes what torch's functions do.
SPECIAL: list[Callable[[], Any]] = [
    torch._C._len_torch_function_stack,
    torch._C._len_torch_dispatch_stack,
    torch._C._is_any_autocast_enabled,
]


def signature(inputs: tuple[Any, ...], target: Any) -> tuple[Any, ...] | None:
    """Return a key for batches that one trace serves, or None if no trace can serve this one."""
    if type(inputs) is not tuple:
        return None
    batch = (*inputs, target)
    if not all(map(_is_plain, batch)) or _is_special():
        return None
    return (
        *tuple((x.shape, x.stride(), x.dtype, x.device) for x in batch),
        torch.get_default_dtype(),
    )


def condition(inputs: tuple[Any, ...], target: Any, names: Namespace) -> list[str]:
    """Return expressions that say whether ``inputs`` and ``target`` have the same signature."""
    tensor = names.add(torch.Tensor)
    parts = [f"len(inputs) == {len(inputs)}"]
    pairs = [(f"inputs[{i}]", x) for i, x in enumerate(inputs)]
    for name, x in [*pairs, ("target", target)]:
        parts += [
            f"{name}.__class__ is {tensor}",
            f"{name}.shape == {names.add(x.shape)}",
            f"{name}.is_contiguous()"
            if x.is_contiguous() and not {0, 1} & set(x.shape)
            else f"{name}.stride() == {names.add(x.stride())}",
            f"{name}.dtype is {names.add(x.dtype)}",
            f"{name}.is_cpu" if x.is_cpu else f"{name}.device == {names.add(x.device)}",
            f"not {name}.requires_grad",
        ]
    default = names.add(torch.get_default_dtype())
    parts.append(f"{names.add(torch.get_default_dtype)}() is {default}")
    return [*parts, *(f"not {names.add(each)}()" for each in SPECIAL)]


def _is_plain(x: Any) -> bool:
    return (
        type(x) is torch.Tensor
        and x.layout is torch.strided
        and not (x.requires_grad or x.is_inference() or x.is_conj() or x.is_neg())
    )


def _is_special() -> bool:
    """Whether something is switched on that changes what torch's functions do."""
    return torch.is_inference_mode_enabled() or any(each() for each in SPECIAL)
