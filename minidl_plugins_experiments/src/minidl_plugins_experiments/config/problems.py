"""The error for an experiment that cannot be run as its file is written."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from minidl_core import MinidlError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ConfigError", "kind_of", "problems_named"]


class ConfigError(MinidlError):
    """The experiment cannot be run as its file is written. Nothing was trained or written.

    Attributes:
        key: the place in the file, as ``--set`` writes it: ``optimizer.lr``, ``model[0][2]``.
        file: the file; `problems_named` fills it in.
    """

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.file = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, [self.file, self.key, str(self.args[0])]))


@contextmanager
def problems_named(file: str) -> Iterator[None]:
    """Add the name of the file to every `ConfigError` from inside the context."""
    try:
        yield
    except ConfigError as error:
        error.file = error.file or file
        raise
    except RecursionError:
        problem = ConfigError("is nested too deeply; nest it less")
        problem.file = file
        raise problem from None


def kind_of(value: object) -> str:
    """Return what `value` is in TOML, in few enough words for a message."""
    shown = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
    if isinstance(value, dict):
        shown = f"a table of {', '.join(value)}" if value else "an empty table"
    elif isinstance(value, list):
        shown = f"a list of {len(value)}"
    shown = shown or repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
