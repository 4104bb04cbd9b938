"""A step may not look at the elements of a tensor, except at a single truth value."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from minidl_plugins_engines.refusals import NotTraceableError

__all__ = ["OnlyTensors", "is_of_tensors", "looks_at_elements"]

# What may be asked of a tensor without looking at its elements.
METADATA = frozenset(
    {
        *(
            "__len__",
            "__iter__",
            "_version",
            "device",
            "dim",
            "dtype",
            "element_size",
            "get_device",
        ),
        *("is_complex", "is_contiguous", "is_cpu", "is_cuda", "is_floating_point", "is_inference"),
        *("is_leaf", "is_sparse", "is_signed", "is_quantized", "is_meta", "is_nested", "itemsize"),
        *("layout", "names", "nbytes", "ndim", "ndimension", "nelement", "numel", "requires_grad"),
        *(
            "shape",
            "size",
            "stride",
            "storage_offset",
            "type",
            "result_type",
            "can_cast",
            "is_conj",
        ),
        *("is_neg", "grad_fn", "grad", "is_tensor", "is_mkldnn", "has_names"),
    }
)


class OnlyTensors(TorchFunctionMode):
    """Refuses every function of torch that lets the step look at the elements of a tensor."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.__self__.__name__ if func.__name__ == "__get__" else func.__name__
        truth = name in ("__bool__", "item") and args[0].dtype is torch.bool
        if name not in METADATA and not truth and not is_of_tensors(result):
            raise NotTraceableError(f"the step looks at the elements of a tensor, by {name}")
        return result


def is_of_tensors(result: Any) -> bool:
    if isinstance(result, (tuple, list)) and not isinstance(result, torch.Size):
        return all(map(is_of_tensors, result))
    return result is None or isinstance(result, torch.Tensor)


def looks_at_elements(func: Any, args: tuple[Any, ...]) -> bool:
    """Whether the sizes or the values that `func` gives to Python depend on the data."""
    if torch.Tag.data_dependent_output in func.tags:
        return True
    if torch.Tag.dynamic_output_shape not in func.tags:
        return False
    if func.overloadpacket is torch.ops.aten.index:  # by whole numbers, the sizes are theirs
        return any(x is not None and x.dtype in (torch.bool, torch.uint8) for x in args[1])
    return True
