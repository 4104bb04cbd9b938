"""A digest of data, to see whether it has changed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from minidl_plugins_experiments.data.data import Data

__all__ = ["fingerprint"]


def fingerprint(data: Data) -> str:
    """Return a SHA-256 of all numbers in `data`: equal data, equal fingerprint."""
    digest = hashlib.sha256()
    for split in (data.train, data.test, data.validation):
        for tensor in split or ():
            digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
            flat = tensor.detach().cpu().contiguous().view(-1)
            digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
