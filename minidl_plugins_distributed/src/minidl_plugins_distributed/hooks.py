"""How a process that torchrun started takes part in `minidl run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import hookimpl

if TYPE_CHECKING:
    from minidl_plugins_experiments import Conduct

__all__ = ["minidl_conduct"]


@hookimpl
def minidl_conduct() -> Conduct | None:
    from minidl_plugins_distributed.launch import launch

    found = launch()
    if found is None:
        return None
    from minidl_plugins_distributed.together import Together

    return Together(found)
