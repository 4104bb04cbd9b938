"""Text for people: close matches, the errors of others, and what a terminal may show."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["describe_error", "printable", "suggest"]


def suggest(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean "ReLU"?``, or nothing if no name in `known` is close."""
    from difflib import get_close_matches

    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return f' Did you mean "{by_lower[close[0]]}"?' if close else ""


def describe_error(error: BaseException) -> str:
    """Return the type and message of `error` in one line, whatever its own code does."""
    from traceback import format_exception_only

    try:
        return format_exception_only(type(error), error)[-1].strip()
    except BaseException:
        return type(error).__name__


def printable(text: str) -> str:
    """Return `text` without control characters: a terminal would obey those of a stranger."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
    )
