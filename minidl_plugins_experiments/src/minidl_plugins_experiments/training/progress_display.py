"""The display of progress that suits a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from minidl_plugins_experiments.training.progress import Lines, Quiet

if TYPE_CHECKING:
    from minidl_plugins_experiments.training.progress import Progress

__all__ = ["progress_for"]


def progress_for(stream: TextIO, quiet: bool, *, shares: bool = True) -> Progress:
    """Return a bar for a terminal, lines for any other stream, or nothing if `quiet`.

    Args:
        shares: whether errors are shares of the rows, to be shown in percent.
    """
    if quiet:
        return Quiet()
    if stream.isatty():
        from rich.console import Console  # slow to import, and needed on a terminal only

        console = Console(file=stream)
        if console.is_terminal and not console.is_dumb_terminal:
            from minidl_plugins_experiments.training.progress_bar import Bar

            return Bar(console, shares)
    return Lines(stream, shares)
