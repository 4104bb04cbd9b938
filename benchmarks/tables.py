"""Measurements as tables of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import PEERS
from benchmarks.summary import Spread, digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.rounds import Measured

HOW_TO_READ = (
    "Each cell: microseconds (median), and how many times minidl's time that is "
    "(median of the rounds, and quartiles)."
)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text, and the others numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def side_by_side(columns: dict[str, list[Measured]], per: float = 1) -> str:
    """Peers down, tasks across; each time divided by `per`."""
    peers = [measured.peer for measured in next(iter(columns.values()))]
    rows = []
    for place, peer in enumerate(peers):
        cells = [cell(column[place], column[0], per) for column in columns.values()]
        rows.append([PEERS[peer].label, *cells])
    return table(["", *columns], rows)


def cell(measured: Measured, reference: Measured, per: float = 1) -> str:
    """Time and ratio, or why there is none."""
    if measured.missing is not None:
        return measured.missing
    micro = f"{digits(Spread.of(measured.seconds).median * 1e6 / per)} µs"
    if measured.peer == reference.peer:
        return f"**{micro}**"
    return f"{micro}, {ratios(measured.seconds, reference.seconds).show()}"


def ratios(times: Sequence[float], references: Sequence[float]) -> Spread:
    """Of the times to their references, round by round."""
    return Spread.of([time / reference for time, reference in zip(times, references, strict=True)])


def threads_title(threads: int) -> str:
    return "One thread" if threads == 1 else f"{threads} threads"
