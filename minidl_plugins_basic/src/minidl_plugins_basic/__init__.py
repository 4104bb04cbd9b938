"""The basic layers, loss and optimizer of minidl, every gradient written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from minidl_plugins_basic.linear import *
    from minidl_plugins_basic.mse_loss import *
    from minidl_plugins_basic.relu import *
    from minidl_plugins_basic.sgd import *
    from minidl_plugins_basic.sigmoid import *
    from minidl_plugins_basic.stacking import *
    from minidl_plugins_basic.tanh import *
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "linear": ["Linear"],
            "mse_loss": ["MSELoss"],
            "relu": ["ReLU"],
            "sgd": ["SGD"],
            "sigmoid": ["Sigmoid"],
            "stacking": ["StackWarning", "stack", "unstack"],
            "tanh": ["Tanh"],
        },
    )
