"""The one warning of stacks."""

from __future__ import annotations

__all__ = ["StackWarning"]


class StackWarning(UserWarning):
    """A stack gives the right results, but not in one batched call; the message says why."""
