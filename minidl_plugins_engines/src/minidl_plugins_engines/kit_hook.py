"""Adds the engines' check to the conformance kit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@hookimpl(optionalhook=True)  # the kit calls it, where it is installed
def minidl_checks() -> Mapping[str, Sequence[Any]]:
    from minidl_plugins_engines.kit_check import replays, replays_steps

    return {"modules": [replays], "losses": [replays], "optimizers": [replays_steps]}
