"""Tensors inside tuples, lists, dicts and packed sequences, as torch's modules take and give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

if TYPE_CHECKING:
    from collections.abc import Callable


def mapped(function: Callable[[Tensor], Any], nested: Any) -> Any:
    """Return `nested` with `function` applied to each tensor of it, and the rest as it is."""
    if isinstance(nested, Tensor):
        return function(nested)
    if isinstance(nested, PackedSequence):
        return nested._replace(data=function(nested.data))
    if isinstance(nested, (tuple, list)):
        return type(nested)(mapped(function, item) for item in nested)
    if isinstance(nested, dict):
        return {key: mapped(function, item) for key, item in nested.items()}
    return nested


def tensors(nested: Any) -> list[Tensor]:
    """Return the tensors of `nested`, in order."""
    found: list[Tensor] = []
    mapped(found.append, nested)
    return found
