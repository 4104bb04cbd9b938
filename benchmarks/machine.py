"""Where the measurements were made."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path

from benchmarks.settings import all_threads

OURS = ("minidl-core", "minidl-plugins-basic", "minidl-plugins-engines")
PACKAGES = (*OURS, "torch", "numpy", "jax", "thinc")


def description() -> str:
    """Processor, threads, and the versions of everything that was timed, as a list."""
    lines = [f"- {processor()}, {all_threads()} threads; {platform.system()}"]
    versions = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    versions.append(compiler())
    return "\n".join([*lines, f"- {', '.join(versions)}"])


def processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def compiler() -> str:
    try:
        done = subprocess.run(["cc", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "no C compiler"
    return done.stdout.splitlines()[0]
