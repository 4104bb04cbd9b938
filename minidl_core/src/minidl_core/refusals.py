"""Why the registry cannot give a component, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core.errors import AmbiguousComponentError, ComponentNotFoundError
from minidl_core.wording import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from minidl_core.components import Component

__all__ = ["ambiguous", "not_found"]


def ambiguous(kind: str, name: str, claims: Sequence[Component]) -> AmbiguousComponentError:
    """Return the error for a name that several components in `claims` have."""
    who = ", ".join(f"{c.distribution} ({c.value})" for c in claims)
    qualified = sorted({f'"{c.qualified_name}"' for c in claims})
    if len(qualified) == 1:
        return AmbiguousComponentError(
            f'"{name}" of the {kind} is claimed twice by one distribution, {who}',
            "its author must remove one of the entry points",
        )
    return AmbiguousComponentError(
        f'"{name}" of the {kind} is claimed by {who}',
        f"write {' or '.join(qualified)}, or prefer one of them with registry.prefer or in "
        "MINIDL_PREFER",
    )


def not_found(
    kind: str, name: str, usable: Sequence[Component], everything: Iterable[Component]
) -> ComponentNotFoundError:
    """Return the error for a name that no component of `usable`, those of its kind, has."""
    problem = f'No {"loss" if kind == "losses" else kind.removesuffix("s")} "{name}"'
    if not usable:
        return ComponentNotFoundError(
            f"{problem}: no installed distribution provides {kind}",
            f"install one that has entry points in the group minidl.{kind} "
            "(`minidl plugins` shows what is there)",
        )
    if elsewhere := [c.kind for c in everything if c.name == name]:
        problem += f", but there is one of the {elsewhere[0]}"
    elif hint := suggest(name, [c.name for c in usable]):
        problem += f".{hint}"
    by_provider: dict[str, list[str]] = {}
    for c in usable:
        by_provider.setdefault(str(c.distribution), []).append(c.name)
    installed = "; ".join(f"{', '.join(has)} ({who})" for who, has in by_provider.items())
    return ComponentNotFoundError(problem, f"Installed: {installed}")
