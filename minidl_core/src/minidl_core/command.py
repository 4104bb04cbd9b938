"""The ``minidl`` command: the page of help, and the way to everything else.

Help is printed without importing click, or any plugin unless one has hooks to offer commands by.
"""

from __future__ import annotations

import os
import sys

from minidl_core.distributions import canonical, find_distributions, search_path
from minidl_core.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Each command of our own, the module under minidl_core that has it, and what it does.
COMMANDS = {
    "check": ("commands.check", "Prove the gradients of a distribution or component."),
    "describe": ("commands.describe", "Show a component's signature, docstring and provenance."),
    "doctor": ("commands.doctor", "Find every problem of the installation, with its cure."),
    "list": ("commands.list", "List the components, by kind."),
    "new": ("template.command", "Write a complete plugin package to start from."),
    "plugins": ("commands.plugins", "List the distributions that have something for minidl."),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``minidl`` with `arguments`, the process's own by default, and exit."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without the letter σ shows its number
            stream.reconfigure(errors="backslashreplace")
    if arguments in ([], ["--help"], ["-h"]) and not _some_plugin_has_hooks():
        print(help_text({}))
        return
    from minidl_core.commands import run

    run(arguments)


def help_text(of_plugins: Mapping[str, str]) -> str:
    """The page of help, with the commands `of_plugins` and what they do."""
    ours = {name: does for name, (_, does) in COMMANDS.items()}
    everything = sorted({**ours, **of_plugins}.items())
    width = max(len(name) for name, _ in everything)
    return "\n".join(
        [
            "Usage: minidl [OPTIONS] COMMAND [ARGUMENTS]...",
            "",
            f"  minidl {__version__}: explicit gradients, and every part a plugin.",
            "",
            "Options:",
            "  --disable DISTRIBUTION  Do not import this distribution (may be repeated).",
            "  --version               Show the version and exit.",
            "  -h, --help              Show this page, or a command's own, and exit.",
            "",
            "Commands:",
            *(f"  {name:{width}}  {does}" for name, does in everything),
        ]
    )


def _some_plugin_has_hooks() -> bool:
    disabled = set(map(canonical, os.environ.get("MINIDL_DISABLE", "").split(",")))
    found = find_distributions(search_path())
    return any(distribution.hooks and distribution.name not in disabled for distribution in found)
