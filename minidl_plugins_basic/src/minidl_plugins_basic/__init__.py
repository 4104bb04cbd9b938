"""The basic layers, loss and optimizer of minidl, every gradient written by hand.

Each name is imported when it is first asked for, so that one layer does not cost the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minidl_plugins_basic.linear import Linear
    from minidl_plugins_basic.mse_loss import MSELoss
    from minidl_plugins_basic.relu import ReLU
    from minidl_plugins_basic.sgd import SGD
    from minidl_plugins_basic.sigmoid import Sigmoid
    from minidl_plugins_basic.stacking import stack, unstack
    from minidl_plugins_basic.tanh import Tanh

__all__ = ["Linear", "MSELoss", "ReLU", "SGD", "Sigmoid", "Tanh", "stack", "unstack"]

_MODULES = {
    "Linear": "linear",
    "MSELoss": "mse_loss",
    "ReLU": "relu",
    "SGD": "sgd",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "stack": "stacking",
    "unstack": "stacking",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
