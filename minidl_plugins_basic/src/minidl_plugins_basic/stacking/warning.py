"""The one warning of stacks."""

from __future__ import annotations

import sys
import warnings

__all__ = ["StackWarning", "warn"]


class StackWarning(UserWarning):
    """A stack gives the right results, but not in one batched call; the message says why."""


def warn(message: str) -> None:
    """Warn at the line that called minidl."""
    frame, stacklevel = sys._getframe(1), 2
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith("minidl_"):
        frame, stacklevel = frame.f_back, stacklevel + 1
    warnings.warn(message, StackWarning, stacklevel=stacklevel)
