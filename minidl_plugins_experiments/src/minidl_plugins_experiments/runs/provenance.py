"""Where a result comes from: distributions, components, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minidl_core import Registry
    from minidl_core.components import Component
    from minidl_plugins_experiments.data.data import Data

__all__ = ["components_of", "distributions_of", "fingerprint", "machine"]


def components_of(used: Mapping[str, Component]) -> list[dict[str, str]]:
    """Each place of the file, and the component that it came to mean."""
    return [
        {
            "key": key,
            "kind": component.kind,
            "name": component.name,
            "distribution": component.distribution.name,
            "version": component.distribution.version,
            "entry_point": component.value,
        }
        for key, component in used.items()
    ]


def distributions_of(registry: Registry) -> dict[str, str]:
    """The version of each distribution with something for minidl, and of what they build on."""
    found = {d.name: d.version for d in registry.distributions() if not registry.unavailable(d)}
    for name in ("minidl-core", "torch", "safetensors", "numpy"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "?"
    return dict(sorted(found.items()))


def machine(device: torch.device) -> dict[str, Any]:
    """What it was computed on."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "byte_order": sys.byteorder,
    }


def fingerprint(data: Data) -> str:
    """The same for the same numbers, and different for any others."""
    digest = hashlib.sha256()
    for split in (data.train, data.test, data.validation):
        for tensor in split or ():
            digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
            flat = tensor.detach().cpu().contiguous().view(-1)
            digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
