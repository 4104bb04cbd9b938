"""What forward keeps for backward: is it unchanged, and does it pile up?"""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

from minidl_core.errors import MinidlError, PendingForwardWarning, title
from minidl_core.tree import children, is_module, walk

if TYPE_CHECKING:
    from minidl_core.protocols import Module

__all__ = ["locate", "versions", "warn_pending"]


def versions(kept: Any) -> Any:
    """Return the version counter of each tensor in `kept`; in-place operations raise them."""
    if type(kept) in (tuple, list):
        return [versions(item) for item in kept]
    try:
        return kept._version
    except (AttributeError, RuntimeError):  # no tensor, or an inference tensor, which has none
        return None


def warn_pending(module: Any, count: int) -> None:
    """Warn at the user's own line, and name the path of `module` in its network.

    A module does not know its containers, but the call stack does. A network warns once: the
    limit of every module in it is doubled.
    """
    path = [title(module)]
    inner: Module = module
    frame = sys._getframe(1)
    depth = stacklevel = 2
    while frame.f_back is not None:
        caller = frame.f_locals.get("self")
        if caller is inner:
            stacklevel = depth + 1
        elif is_module(caller):
            for name, child in children(caller):
                if child is inner:
                    path.insert(0, f"{type(caller).__name__}[{name}]")
                    inner, stacklevel = caller, depth + 1
                    break
        frame, depth = frame.f_back, depth + 1
    warnings.warn(
        f"{' › '.join(path)}: {count} forwards in training mode had no backward, "
        "and each keeps its input in memory; call eval() before evaluating, or set "
        f"max_pending above {module.max_pending} if so many are meant",
        PendingForwardWarning,
        stacklevel=stacklevel,
    )
    for each in {id(each): each for _, each in walk(inner)}.values():
        if hasattr(each, "max_pending"):
            each.max_pending *= 2


def locate(error: BaseException, container: Any, name: str, child: object) -> None:
    """Record on `error` that it passed through child `name` of `container`.

    A foreign error keeps its type and gets a note (Python 3.11 and later). What the forwards of
    `container` kept is discarded: part of it has no partner, so a gradient would be wrong.
    """
    for _, each in walk(container):
        getattr(each, "_stack", []).clear()
    step = f"{type(container).__name__}[{name}]"
    if isinstance(error, MinidlError):
        inner = error.path[0] if error.path else ""
        told = inner == title(child) or inner.startswith(f"{type(child).__name__}[")
        error.path[:0] = [step] if told else [step, title(child)]
    elif hasattr(error, "add_note"):
        error.add_note(f"in {step} › {title(child)}")
