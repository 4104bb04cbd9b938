"""The packages of others that distributions say they need."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from minidl_core import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from minidl_core import Distribution

__all__ = ["packages_required"]


def packages_required(distributions: Iterable[Distribution]) -> dict[str, list[str]]:
    """Return who requires each package that is there, not imported yet, and no plugin itself."""
    plugins = {distribution.name for distribution in distributions}
    found: dict[str, list[str]] = {}
    for distribution in distributions:
        for name in _requirements(distribution):
            package = name.replace("-", "_")
            if name not in plugins and package not in sys.modules and _is_there(package):
                found.setdefault(package, []).append(distribution.name)
    return found


def _requirements(distribution: Distribution) -> Iterator[str]:
    for file in ("METADATA", "PKG-INFO"):
        path = Path(distribution.folder, file)
        if path.is_file():
            headers = path.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
            for line in re.findall(r"^requires-dist:(.*)", headers, re.IGNORECASE | re.MULTILINE):
                name = re.match(r"\s*([\w.-]+)", line)
                if name and "extra" not in line.partition(";")[2]:
                    yield canonical(name[1])
            return


def _is_there(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False
