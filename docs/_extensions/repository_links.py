"""Links from a page to a file of the repository that is not on the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LINK = re.compile(r"\]\((\.\./[^)#\s]+)")


def _to_repository(app: Sphinx, page: str, source: list[str]) -> None:
    folder = Path(app.srcdir, page).parent

    def address(match: re.Match[str]) -> str:
        target = (folder / match[1]).resolve()
        if target.is_relative_to(app.srcdir):
            return match[0]
        if not target.exists():
            raise ExtensionError(f"{page}: a link leads to {match[1]}, which there is not")
        root = Path(app.srcdir).parent
        kind = "tree" if target.is_dir() else "blob"
        return f"]({app.config.repository}/{kind}/main/{target.relative_to(root)}"

    source[0] = LINK.sub(address, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_config_value("repository", "", "env", types=(str,))
    app.connect("source-read", _to_repository)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
