"""Data-parallel training: one run in many processes, on torch.distributed.

The names are imported when they are first asked for, so that the hook, which every ``minidl``
command loads, does not cost the time of importing torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minidl_plugins_distributed.data_parallel import DataParallel
    from minidl_plugins_distributed.errors import PeerError

__all__ = ["DataParallel", "PeerError"]

PLACES = {"DataParallel": "data_parallel", "PeerError": "errors"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
