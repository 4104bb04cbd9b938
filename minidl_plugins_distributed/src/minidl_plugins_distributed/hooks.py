"""The execution strategy of a process that torchrun started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import hookimpl

if TYPE_CHECKING:
    from minidl_plugins_experiments import Strategy

__all__ = ["minidl_strategy"]


@hookimpl
def minidl_strategy() -> Strategy | None:
    from minidl_plugins_distributed.launch import launch

    found = launch()
    if found is None:
        return None
    from minidl_plugins_distributed.strategy import DataParallelStrategy

    return DataParallelStrategy(found)
