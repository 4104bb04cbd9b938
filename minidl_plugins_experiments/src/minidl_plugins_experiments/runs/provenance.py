"""Which distributions, components and machine produced a result."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minidl_core import Component, Registry

__all__ = ["components_of", "distributions_of", "machine"]


def components_of(used: Mapping[str, Component]) -> list[dict[str, str]]:
    """Return the component that each key of the file means, ready for JSON."""
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
    """Return the version of each distribution that plugs into minidl, and of their foundations."""
    found = {d.name: d.version for d in registry.distributions() if not registry.unavailable(d)}
    for name in ("minidl-core", "torch", "safetensors", "numpy"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "?"
    return dict(sorted(found.items()))


def machine(device: torch.device) -> dict[str, Any]:
    """Return the machine that computed the result."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "byte_order": sys.byteorder,
    }
