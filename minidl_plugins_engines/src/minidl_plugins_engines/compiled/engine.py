"""The engine ``inductor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_plugins_engines.comparing import close, mostly_close
from minidl_plugins_engines.compiled.compiling import as_machine_code
from minidl_plugins_engines.compiled.rounding import effect_of_rounding
from minidl_plugins_engines.replaying import engine
from minidl_plugins_engines.ways import Way

if TYPE_CHECKING:
    from minidl_core import StepFunction

__all__ = ["inductor"]

_WAY = Way(as_machine_code, close, mostly_close, effect_of_rounding)


def inductor(model: Any, loss: Any, optimizer: Any) -> StepFunction:
    """Carry out steps as ``eager`` does, to rounding, as machine code that torch compiles.

    The code is kept on disk: the same network is compiled once. What cannot be compiled is
    replayed, with a `CompilerWarning` that says why.
    """
    return engine(_WAY, model, loss, optimizer)
