"""The layers, losses, optimizers and schedules of torch.nn, every gradient written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_names(__name__, {})
