"""Buffers and generators of modules, made equal on every rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_plugins_distributed.collectives import broadcast
from minidl_plugins_experiments import buffers_and_generators

if TYPE_CHECKING:
    from minidl_core import Module

__all__ = ["synchronise"]

WHAT = "the buffers and generators of rank 0"


def synchronise(module: Module, device: torch.device) -> None:
    """Set the buffers and generators of `module` to those of rank 0, which checkpoints hold.

    They differ between ranks: each rank saw other rows, and drew random numbers for them.

    Args:
        device: the device on which the process group communicates.

    Raises:
        PeerError: a rank did not take part.
    """
    for item in buffers_and_generators(module).values():
        if isinstance(item, torch.Generator):
            state = item.get_state().to(device)
            broadcast(state, WHAT)
            item.set_state(state.cpu())
        else:
            state = item.contiguous().to(device)
            broadcast(state, WHAT)
            item.copy_(state)
