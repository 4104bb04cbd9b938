"""From a run folder to one HTML file that needs nothing else."""

from __future__ import annotations

import json
import re
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from minidl_plugins_inspect.report.data import page_data

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["page_of"]

STYLES = ["style.css"]
SCRIPTS = ["text.js", "chart.js", "plane.js", "layers.js", "tables.js", "main.js"]


def page_of(folder: Path) -> str:
    """Return the report of the run in `folder` as HTML.

    It holds its data, style and scripts, and a policy that forbids the browser to load anything.

    Raises:
        MinidlError: the folder has no run, or no epoch was finished, or a file in it is damaged.
    """
    data = page_data(folder)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    parts = {
        "title": escape(f"{data['title']}: report of a minidl run"),
        "style": "\n".join(map(_read, STYLES)),
        "data": text.replace("<", "\\u003c"),  # no text of the user can end the element
        "script": "\n".join(map(_read, SCRIPTS)),
    }
    return re.sub(r"@@(\w+)@@", lambda place: parts[place[1]], _read("page.html"))


def _read(name: str) -> str:
    return (files("minidl_plugins_inspect.report") / "page" / name).read_text(encoding="utf-8")
