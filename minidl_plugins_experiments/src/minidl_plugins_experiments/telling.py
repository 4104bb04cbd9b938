"""Messages on stderr. A stream that is closed or full never costs a run."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SafeStream", "standard_error", "tell"]


class SafeStream:
    """A text stream that drops what cannot be written.

    After the first error the stream's descriptor leads to the null device, so that Python does not
    fail on it again when the process ends.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        try:
            if self.stream is not None:
                self.stream.write(text)
        except (OSError, ValueError):
            self._give_up()
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            if self.stream is not None:
                self.stream.flush()
        except (OSError, ValueError):
            self._give_up()

    def isatty(self) -> bool:
        try:
            return self.stream is not None and self.stream.isatty()
        except (OSError, ValueError):
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def _give_up(self) -> None:
        stream, self.stream = self.stream, None
        with suppress(OSError, ValueError, AttributeError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())  # type: ignore[union-attr]
            os.close(null)


def standard_error() -> TextIO:
    """Return stderr as it is now; it may be closed."""
    return cast("TextIO", SafeStream(sys.stderr))


def tell(text: str) -> None:
    """Print `text` on stderr, if there is someone to read it."""
    stream = standard_error()
    stream.write(f"{text}\n")
    stream.flush()
