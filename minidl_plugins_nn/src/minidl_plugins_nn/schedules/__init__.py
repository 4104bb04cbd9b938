"""Learning rate schedules: what the rate is multiplied by before each step."""

from __future__ import annotations

from minidl_plugins_nn.schedules.schedule import Schedule as Schedule
