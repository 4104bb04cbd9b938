"""The docs page: its tables stand between markers, and are written anew by each run."""

from __future__ import annotations

import re
from pathlib import Path

TEMPLATE = Path(__file__).parents[1] / "docs" / "performance.md"


def write(folder: Path, parts: dict[str, str]) -> Path:
    """Put each part between its markers in ``performance.md`` of `folder`.

    Where there is no such page, it is begun from the one in ``docs``.
    """
    path = folder / TEMPLATE.name
    folder.mkdir(parents=True, exist_ok=True)
    text = (path if path.exists() else TEMPLATE).read_text(encoding="utf-8")
    for name, part in parts.items():
        text = fill(text, name, part)
    path.write_text(text, encoding="utf-8")
    return path


def fill(text: str, name: str, part: str) -> str:
    """`text` with `part` between ``<!-- begin name -->`` and ``<!-- end name -->``.

    Raises:
        ValueError: the markers do not stand there exactly once.
    """
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    filled, count = pattern.subn(lambda _: f"{begin}\n{part}\n{end}", text)
    if count != 1:
        raise ValueError(f"expected {begin} … {end} once in the page, found it {count} times")
    return filled
