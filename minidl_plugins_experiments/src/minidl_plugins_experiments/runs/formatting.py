"""Errors as people read them: in percent for a classification, as a number for a regression."""

from __future__ import annotations

__all__ = ["format_error"]


def format_error(error: float, task: str) -> str:
    """Return ``1.20%``, or ``0.3142`` for a regression."""
    return f"{error:.4g}" if task == "regression" else f"{error:.2%}"
