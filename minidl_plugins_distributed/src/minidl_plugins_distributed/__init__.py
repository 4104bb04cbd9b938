"""Data-parallel training: one run in several processes, on torch.distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from minidl_plugins_distributed.data_parallel import DataParallel as DataParallel
    from minidl_plugins_distributed.errors import PeerError as PeerError
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__, {"data_parallel": ["DataParallel"], "errors": ["PeerError"]}
    )
