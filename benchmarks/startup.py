"""What it costs to start: the import and the command, as ratios to a bare interpreter.

``python -m benchmarks.startup`` prints the table. `benchmarks.discovery` has the measurement, and
more: what a listing costs where thousands of components are installed.
"""

from __future__ import annotations

import sys
import sysconfig
from functools import partial
from pathlib import Path

from benchmarks.discovery import in_turns, run
from benchmarks.settings import Settings
from benchmarks.tables import table


def startup(settings: Settings) -> str:
    """Each command and a bare interpreter in turns."""
    minidl = str(Path(sysconfig.get_path("scripts"), "minidl"))
    commands = {
        "`python -c pass`": [sys.executable, "-c", "pass"],
        "`import minidl_core`": [sys.executable, "-c", "import minidl_core"],
        "`minidl --help`": [minidl, "--help"],
        "`minidl list`": [minidl, "list"],
    }
    medians = in_turns(
        5 if settings.quick else 2 * settings.rounds,
        *(partial(run, command) for command in commands.values()),
    )
    rows = [
        [name, f"{seconds * 1e3:.1f} ms", f"{seconds / medians[0]:.2f}"]
        for name, seconds in zip(commands, medians, strict=True)
    ]
    return table(["", "time (median)", "ratio"], rows)


if __name__ == "__main__":
    print(startup(Settings()))
