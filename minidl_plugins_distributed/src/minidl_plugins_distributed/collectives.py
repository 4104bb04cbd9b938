"""The collective operations of the process group, with one clear error if a process is missing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from torch import distributed

from minidl_plugins_distributed.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["add_up", "broadcast", "who"]


def add_up(tensor: Tensor, what: str) -> None:
    """Replace `tensor` by its sum over all ranks, the same bits on each.

    A ring sends 2 (W − 1) / W times its bytes from each of W ranks.

    Raises:
        PeerError: a rank did not take part.
    """
    _waited(lambda: distributed.all_reduce(tensor), what)


def broadcast(tensor: Tensor, what: str) -> None:
    """Replace `tensor` by that of rank 0.

    Raises:
        PeerError: a rank did not take part.
    """
    _waited(lambda: distributed.broadcast(tensor, src=0), what)


def who(flag: bool, device: torch.device, what: str) -> list[int]:
    """Return the ranks on which `flag` is set.

    Raises:
        PeerError: a rank did not take part.
    """
    flags = torch.zeros(distributed.get_world_size(), device=device)
    flags[distributed.get_rank()] = flag
    add_up(flags, what)
    ranks: list[int] = flags.nonzero().flatten().tolist()
    return ranks


def _waited(operation: Callable[[], object], what: str) -> None:
    began = time.monotonic()
    try:
        operation()
    except RuntimeError as error:
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        raise PeerError(what, time.monotonic() - began, reason) from error
