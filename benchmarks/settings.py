"""How much to measure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """
    Attributes:
        quick: fewer sizes and rounds, to see that all works.
        rounds: how often each peer is asked for a measurement.
        seconds: how long each measurement of steps lasts, at least.
        output: the folder that figures and page are written to.
    """

    quick: bool = False
    rounds: int = 15
    seconds: float = 0.05
    output: Path | None = None

    @property
    def threads(self) -> list[int]:
        """One thread, and then all."""
        return sorted({1, all_threads()})


def all_threads() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
