"""What every worker needs, read once: the processes of the files are copies of one that has it."""

from __future__ import annotations

from minidl_core import registry
from minidl_plugins_devkit.grading import worker  # noqa: F401
from minidl_plugins_devkit.table import checks_of

for kind in ("modules", "losses", "optimizers"):
    checks_of(kind, registry)
