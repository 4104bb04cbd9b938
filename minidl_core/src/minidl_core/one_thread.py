"""A small gradient pass runs on one thread: handing out its work would take longer than doing it.

That concerns all passes over batches of one form alike, so that none differs from another by the
order in which threads add up. The number is torch's, of the calling Python thread; a new one that
computes for the first time during such a pass begins with one thread, and may set another number.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

    from torch import Tensor

    Pass = Generator[tuple[Tensor, Tensor], None, None]

__all__ = ["SMALL", "on_one_thread", "threads"]

# Elements of parameters times rows of the input, which is how often a fully connected network
# multiplies on its way forward: some tens of microseconds.
SMALL = 1 << 20


def threads() -> int:
    """How many torch uses inside of an operation."""
    torch = sys.modules.get("torch")
    return torch.get_num_threads() if torch else 1


def on_one_thread(gradients: Pass) -> Pass:
    """`gradients`, with the number of threads as it was whenever another has its turn."""
    torch: Any = sys.modules["torch"]
    for turn in (next, _last):
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            outputs = turn(gradients)
        finally:
            torch.set_num_threads(before)
        if outputs is not None:
            yield outputs


def _last(gradients: Pass) -> None:
    next(gradients, None)
