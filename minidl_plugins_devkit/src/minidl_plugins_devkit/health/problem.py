"""One problem of an installation."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Problem", "uninstalling"]


class Problem(NamedTuple):
    """What is wrong with what, and what to do about it."""

    subject: str
    cause: str
    cure: str


def uninstalling(name: str) -> str:
    """Return what helps if the distribution `name` cannot be imported."""
    return f"upgrade or uninstall {name}, or disable it: MINIDL_DISABLE={name}"
