"""Components by name, of whatever kind."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from minidl_core import ComponentNotFoundError, suggest

if TYPE_CHECKING:
    from minidl_core import Component, Registry

__all__ = ["find_everywhere"]


def find_everywhere(registry: Registry, name: str) -> list[Component]:
    """Return the components of that name, one of each kind that has it.

    Raises:
        ComponentNotFoundError: no kind has; says what is close.
        MinidlError: what else `Registry.find` raises.
    """
    found = []
    for kind in registry.kinds():
        with suppress(ComponentNotFoundError):
            found.append(registry.find(kind, name))
    if not found:
        near = suggest(name, [component.name for component in registry.components()])
        raise ComponentNotFoundError(
            f'No component "{name}"{near and "."}{near}', "`minidl list` shows what is installed"
        )
    return found
