"""What is said of a file that cannot be run as it is written."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from minidl_core import MinidlError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ConfigError", "did_you_mean", "kind_of"]


class ConfigError(MinidlError):
    """The experiment cannot be run as it is written. Nothing was trained, and nothing written.

    Attributes:
        key: where in the file, as ``--set`` would write it: ``optimizer.lr``, ``model[0][2]``.
        file: the file, filled in by who knows it.
    """

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.file = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, [self.file, self.key, str(self.args[0])]))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A suggestion for a `name` that is not `known`, with a space in front; or nothing."""
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return f' Did you mean "{by_lower[close[0]]}"?' if close else ""


def kind_of(value: object) -> str:
    """`value` as TOML calls it, short enough for a message."""
    shown = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
    if isinstance(value, dict):
        shown = f"a table of {', '.join(value)}" if value else "an empty table"
    elif isinstance(value, list):
        shown = f"a list of {len(value)}"
    shown = shown or repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
