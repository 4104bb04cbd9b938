"""An activation, a residual block, a loss and two optimizers for minidl, and a log of its runs.

Each name is imported when it is first asked for, so that the hooks, which every ``minidl``
command loads, do not cost the time of importing torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acme_nets.adam import Adam
    from acme_nets.huber_loss import HuberLoss
    from acme_nets.lion import Lion
    from acme_nets.residual import Residual
    from acme_nets.swish import Swish

__all__ = ["Adam", "HuberLoss", "Lion", "Residual", "Swish"]

_MODULES = {
    "Adam": "adam",
    "HuberLoss": "huber_loss",
    "Lion": "lion",
    "Residual": "residual",
    "Swish": "swish",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
