"""Look inside: what each layer computes, models in notebooks, and reports of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names
from minidl_plugins_inspect.notebook import register

if TYPE_CHECKING:
    from minidl_plugins_inspect.display import html_of as html_of
    from minidl_plugins_inspect.figures import NotebookFigure as NotebookFigure
    from minidl_plugins_inspect.summary import Summary as Summary
    from minidl_plugins_inspect.summary import summary as summary
    from minidl_plugins_inspect.watching.layer import Call as Call
    from minidl_plugins_inspect.watching.layer import Layer as Layer
    from minidl_plugins_inspect.watching.watch import watch as watch
    from minidl_plugins_inspect.watching.watched import Watched as Watched
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "display": ["html_of"],
            "figures": ["NotebookFigure"],
            "summary": ["Summary", "summary"],
            "watching.layer": ["Call", "Layer"],
            "watching.watch": ["watch"],
            "watching.watched": ["Watched"],
        },
    )

register()
