"""Components by name, of whatever kind."""

from __future__ import annotations

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
    provider, slash, rest = name.partition("/")
    found = []
    for kind in registry.kinds():
        try:
            found.append(registry.find(kind, name))
        except ComponentNotFoundError:
            continue
    if found:
        return found
    everything = registry.components()
    known = [c.qualified_name if slash else c.name for c in everything]
    hint = suggest(name, known)
    raise ComponentNotFoundError(
        f'No component "{name}"{"." if hint else ""}{hint}', "`minidl list` shows what is installed"
    )
