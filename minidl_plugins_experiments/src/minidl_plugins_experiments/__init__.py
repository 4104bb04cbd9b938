"""Experiments without code: `minidl run FILE.toml` and `minidl compare RUN…`.

Each name is imported when it is first asked for, so that the hooks, which every ``minidl`` command
loads, do not cost the time of importing torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minidl_plugins_experiments.config.problems import ConfigError
    from minidl_plugins_experiments.data.data import Data, Split
    from minidl_plugins_experiments.training.strategy import Conduct

__all__ = ["Conduct", "ConfigError", "Data", "Split"]

PLACES = {
    "Conduct": "training.strategy",
    "ConfigError": "config.problems",
    "Data": "data.data",
    "Split": "data.data",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
