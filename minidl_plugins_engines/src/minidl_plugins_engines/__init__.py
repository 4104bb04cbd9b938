"""Engines for minidl: a training step is traced once, then replayed or compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from minidl_plugins_engines.agreement import *
    from minidl_plugins_engines.compiled.engine import *
    from minidl_plugins_engines.explaining import *
    from minidl_plugins_engines.refusals import CompilerWarning as CompilerWarning
    from minidl_plugins_engines.refusals import MismatchWarning as MismatchWarning
    from minidl_plugins_engines.replaying import *
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "agreement": ["agrees_with_eager"],
            "explaining": ["explain"],
            "compiled.engine": ["inductor"],
            "refusals": ["CompilerWarning", "MismatchWarning"],
            "replaying": ["replay"],
        },
    )
