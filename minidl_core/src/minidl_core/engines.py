"""Which engine carries out the training steps."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from minidl_core.errors import ComponentNotFoundError, ComponentUnavailableError

if TYPE_CHECKING:
    from minidl_core.components import Component
    from minidl_core.discovery import Registry

__all__ = ["find_engine"]


def find_engine(name: str | None, registry: Registry) -> Component | None:
    """Return the engine in use, without importing it; None where there is none but ``eager``.

    That is the one called `name`, else the one that the environment variable ``MINIDL_ENGINE``
    names, else the one that a distribution registers as ``default``. Such a distribution registers
    it under its own name as well, and the component is given under that name.

    Raises:
        RegistryError: the named engine is missing, ambiguous or not available.
    """
    name = name or os.environ.get("MINIDL_ENGINE")
    if name:
        return registry.find("engines", name)
    try:
        default = registry.find("engines", "default")
    except (ComponentNotFoundError, ComponentUnavailableError):
        return None
    for component in registry.components("engines"):
        same = (component.distribution, component.value) == (default.distribution, default.value)
        if same and component.name != "default":
            return component
    return default
