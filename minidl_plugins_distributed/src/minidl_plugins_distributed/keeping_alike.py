"""What modules keep beside their parameters, made the same on every rank after each epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from minidl_plugins_distributed.collectives import broadcast
from minidl_plugins_experiments.training.plain_state import kept_by

if TYPE_CHECKING:
    from minidl_core import Module

__all__ = ["keep_alike"]

WHAT = "what the modules of rank 0 keep"


def keep_alike(model: Module) -> None:
    """Tensors and generators that `model` keeps become those of rank 0, which are checkpointed.

    A running mean differs between ranks that saw other rows; and so does a generator from which
    each drew for as many rows as it had.

    Raises:
        PeerError: a rank did not take part.
    """
    device = model.param()[0].value.device
    for _, kept in kept_by(model):
        if isinstance(kept, torch.Generator):
            state = kept.get_state().to(device)
            broadcast(state, WHAT)
            kept.set_state(state.cpu())
        else:
            state = kept.contiguous().to(device)
            broadcast(state, WHAT)
            kept.copy_(state)
