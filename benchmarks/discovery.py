"""What discovery costs: a listing against one scan of the same path, and the command's start.

``python -m benchmarks.discovery`` prints ratios of medians, measured in turns in one process (the
listing) or one process each (the commands). Nothing but minidl-core is needed.
"""

from __future__ import annotations

import importlib.metadata
import platform
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from minidl_core import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

DISTRIBUTIONS, COMPONENTS = 200, 20


def main() -> None:
    print(f"Python {platform.python_version()}, {platform.machine()}; medians, in turns\n")
    print("| what | time | against | ratio |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as site:
        make_distributions(Path(site))
        count = len(Registry([site]).components())
        assert count == DISTRIBUTIONS * COMPONENTS
        listing, scan = in_turns(30, lambda: list_components(site), lambda: scan_once(site))
        row(f"list {count} components of {DISTRIBUTIONS} distributions", listing, "one scan", scan)
    minidl = str(Path(sysconfig.get_path("scripts"), "minidl"))
    for arguments in (["--help"], ["list"], ["plugins"]):
        start, bare = in_turns(
            30, partial(run, [minidl, *arguments]), lambda: run([sys.executable, "-c", "pass"])
        )
        row(f"minidl {arguments[0]}", start, "python -c pass", bare)
    start, bare = in_turns(
        30,
        lambda: run([sys.executable, "-c", "import minidl_core"]),
        lambda: run([sys.executable, "-c", "pass"]),
    )
    row("import minidl_core", start, "python -c pass", bare)


def make_distributions(site: Path) -> None:
    """Metadata as pip leaves it, with a description as long as a usual README."""
    for d in range(DISTRIBUTIONS):
        info = site / f"fake_{d}-1.0.dist-info"
        info.mkdir()
        lines = "".join(f"Layer{d}x{c} = fake_{d}.layers:Layer{c}\n" for c in range(COMPONENTS))
        (info / "entry_points.txt").write_text(f"[minidl.modules]\n{lines}")
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: fake-{d}\nVersion: 1.0\n"
            "Requires-Dist: minidl-core>=0.1\n\n" + "A line of the description.\n" * 200
        )


def list_components(site: str) -> None:
    """All that ``minidl list`` has to know of each component."""
    registry = Registry([site])
    for component in registry.components():
        assert component.distribution.version
        assert registry.unavailable(component.distribution) is None


def scan_once(site: str) -> None:
    """What ``importlib.metadata.entry_points()`` does, over the same path."""
    for distribution in importlib.metadata.distributions(path=[site]):
        assert len(distribution.entry_points) == COMPONENTS


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def in_turns(repeats: int, *candidates: Callable[[], object]) -> list[float]:
    """The median time of each, called one after another `repeats` times after a first round."""
    times: list[list[float]] = [[] for _ in candidates]
    for repeat in range(repeats + 1):
        for candidate, taken in zip(candidates, times, strict=True):
            start = time.perf_counter()
            candidate()
            if repeat:
                taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]


def row(what: str, taken: float, against: str, reference: float) -> None:
    print(
        f"| {what} | {taken * 1e3:.1f} ms | {against}, {reference * 1e3:.1f} ms "
        f"| {taken / reference:.2f} |"
    )


if __name__ == "__main__":
    main()
