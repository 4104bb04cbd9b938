"""Many models of one structure as one: `stack` and `unstack`."""

from __future__ import annotations

from minidl_plugins_basic.stacking.stack import stack, unstack
from minidl_plugins_basic.stacking.warning import StackWarning

__all__ = ["StackWarning", "stack", "unstack"]
