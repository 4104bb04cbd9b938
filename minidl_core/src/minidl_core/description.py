"""The tree that ``info()`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core.tree import children

if TYPE_CHECKING:
    from minidl_core.protocols import Module

__all__ = ["tree_of"]


def tree_of(title: str, module: Module) -> str:
    """Return `title` and, indented below it, a line for each module inside `module`."""
    first, *body, end = _block(title, module)
    return "\n".join([f"|x {first}", *(f"| {line}" for line in body), f"| | {end}"])


def _block(title: str, module: Module) -> list[str]:
    lines = [line for _, child in children(module) for line in _lines(child)]
    return [f"{title}:", *(f"| {line}" for line in lines), "v"]


def _lines(module: Module) -> list[str]:
    """The lines of `module` inside a tree: one for a leaf; title, children and ``v`` otherwise."""
    is_container, summary = (getattr(module, name, None) for name in ("is_container", "summary"))
    if is_container is not None and summary is not None and is_container():
        return _block(summary(), module)
    describe = getattr(module, "describe", None)
    return str(describe()).splitlines() if describe else [type(module).__name__]
