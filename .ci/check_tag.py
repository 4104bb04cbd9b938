"""Refuse a release whose tag is not the version of every distribution and of the citation.

python .ci/check_tag.py v0.1.0
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import tomllib

ROOT = Path(__file__).parents[1]


def versions() -> dict[str, str]:
    """The version in each file that states one, by the file's path."""
    found = {}
    for path in sorted(ROOT.glob("minidl_*/pyproject.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        version = table["project"].get("version")
        if version is None:  # it stands in a module
            path = path.parent / table["tool"]["hatch"]["version"]["path"]
            (version,) = re.findall(
                r'^__version__ = "(.*)"$', path.read_text("utf-8"), re.MULTILINE
            )
        found[path.relative_to(ROOT).as_posix()] = version
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    (found["CITATION.cff"],) = re.findall(r"^version: (.*)$", citation, re.MULTILINE)
    return found


def main(arguments: list[str]) -> str | None:
    """Return what is wrong, or None."""
    if len(arguments) != 1 or not re.fullmatch(r"v\d+\.\d+\.\d+((a|b|rc)\d+)?", arguments[0]):
        return f"expected one tag such as v0.1.0, got {' '.join(arguments) or 'none'}"
    others = {path: v for path, v in versions().items() if f"v{v}" != arguments[0]}
    if others:
        told = "; ".join(f"{path} says {version}" for path, version in others.items())
        return f"the tag is {arguments[0]}, but {told}; raise the versions, commit, and tag anew"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
