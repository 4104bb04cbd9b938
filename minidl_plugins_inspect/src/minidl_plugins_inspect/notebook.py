"""Telling IPython how minidl's own objects look in a notebook, by IPython's own door."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["register"]

# Named, not imported: a class is looked up by IPython when an object of it is shown.
SHOWN = {
    "minidl_core.base_module": ["BaseModule"],
    "minidl_core.discovery": ["Registry"],
    "minidl_core.parameter": ["Parameter"],
    "minidl_plugins_experiments.runs.load": ["LoadedRun"],
    "minidl_plugins_experiments.training.run": ["Run"],
}


def register(shell: Any = None) -> None:
    """Register HTML for models, parameters, the registry and runs; outside IPython, do nothing.

    Args:
        shell: the IPython shell; the one that runs if left out.
    """
    if shell is None:
        shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    formatter = getattr(shell, "display_formatter", None)
    if formatter is None:
        return
    html = formatter.formatters["text/html"]
    for module, names in SHOWN.items():
        for name in names:
            html.for_type_by_name(module, name, _html_of)


def _html_of(thing: object) -> str | None:
    from minidl_plugins_inspect.display import html_of

    return html_of(thing)
