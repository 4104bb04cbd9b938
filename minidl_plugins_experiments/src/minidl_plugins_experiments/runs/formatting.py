"""Errors as people read them: in percent for a classification, as a number for a regression."""

from __future__ import annotations

import math

__all__ = ["format_error"]


def format_error(error: float | None, task: str) -> str:
    """Return ``1.20%``, or ``0.3142`` for a regression; an error that is no number diverged."""
    if error is None or not math.isfinite(error):
        return "diverged"
    return f"{error:.4g}" if task == "regression" else f"{error:.2%}"
