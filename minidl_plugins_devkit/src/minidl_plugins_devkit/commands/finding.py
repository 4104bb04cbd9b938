"""Components by name, of whatever kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import ComponentNotFoundError

if TYPE_CHECKING:
    from minidl_core import Component, Registry

__all__ = ["find_everywhere"]


def find_everywhere(registry: Registry, name: str) -> list[Component]:
    """Return the components of that name, one of each kind that has it.

    Raises:
        ComponentNotFoundError: no kind has; says what is close.
        MinidlError: what else `Registry.find` raises.
    """
    found, misses = [], []
    for kind in registry.kinds():
        try:
            found.append(registry.find(kind, name))
        except ComponentNotFoundError as error:
            misses.append(error)
    if found:
        return found
    hints = [error for error in misses if "Did you mean" in str(error)]
    raise (
        hints[0]
        if hints
        else ComponentNotFoundError(
            f'No component "{name}"', "`minidl list` shows what is installed"
        )
    )
