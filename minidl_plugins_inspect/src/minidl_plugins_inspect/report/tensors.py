"""The trained tensors of a run, by name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from minidl_core import MinidlError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["tensors_of"]

WEIGHTS = "weights.safetensors"
MOST_TENSORS = 400


def tensors_of(folder: Path) -> list[dict[str, Any]]:
    """Return name, shape and norm of each tensor in the weights; nothing if there are none yet.

    Raises:
        MinidlError: the file is damaged.
    """
    file = folder / WEIGHTS
    if not file.is_file():
        return []
    try:
        with safe_open(file, "pt") as tensors:
            return [
                _described(name, tensors.get_tensor(name))
                for name in list(tensors.keys())[:MOST_TENSORS]
            ]
    except (OSError, SafetensorError) as error:
        raise MinidlError(f"{file} cannot be read ({error}); it is damaged") from error


def _described(name: str, tensor: Any) -> dict[str, Any]:
    norm = float(tensor.double().norm())
    return {
        "name": name,
        "shape": list(tensor.shape),
        "numbers": tensor.numel(),
        "norm": float(f"{norm:.4g}") if math.isfinite(norm) else None,
    }
