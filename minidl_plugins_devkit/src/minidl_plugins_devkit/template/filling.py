"""The files of a new package, their blanks filled."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from minidl_plugins_devkit.template.kind import Kind

__all__ = ["package_texts"]

WIDTH = 27  # of a command in the README, before its comment


def package_texts(
    path: Path, kind: Kind, kind_name: str, distribution: str, package: str
) -> dict[Path, str]:
    """Return the text of each file below `path`, in the order of their paths.

    Args:
        path: the folder of the new project.
        kind: what the package has.
        kind_name: its name, ``module`` for example.
        distribution: the canonical name of the new distribution.
        package: the name it is imported by.
    """
    template = files("minidl_plugins_devkit.template")
    sources = {
        **dict(_walk(template / "shared", Path())),
        **dict(_walk(template / "kinds" / kind_name, Path())),
    }
    names = _blanks(kind, distribution, package)
    return {
        path / _renamed(relative, package): Template(source.read_text("utf-8")).substitute(names)
        for relative, source in sorted(sources.items(), key=lambda item: item[0].as_posix())
    }


def _blanks(kind: Kind, distribution: str, package: str) -> dict[str, str]:
    def filled(text: str) -> str:
        return Template(text).substitute(distribution=distribution)

    commands = [(filled(command), comment) for command, comment in (kind.listing, kind.proof)]
    return {
        "distribution": distribution,
        "package": package,
        "description": kind.description,
        "group": kind.group,
        "name": kind.name,
        "module": kind.module,
        "attribute": kind.attribute,
        "export": kind.export or kind.attribute,
        "dependencies": "\n".join(f'    "{each}",' for each in kind.dependencies),
        "test_dependencies": ", ".join(f'"{each}"' for each in kind.test_dependencies),
        "meaning": kind.meaning,
        "commands": "\n".join(f"    {line:<{WIDTH}} # {comment}" for line, comment in commands),
        "proof": commands[1][0],
        "usage": filled(kind.usage),
    }


def _walk(folder: Traversable, at: Path) -> list[tuple[Path, Traversable]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _walk(entry, at / entry.name)
        elif entry.name.endswith(".tmpl"):
            found.append((at / entry.name, entry))
    return found


def _renamed(relative: Path, package: str) -> Path:
    parts = [package if part == "package" else part for part in relative.parts]
    return Path(*parts).with_name(relative.name.removesuffix(".tmpl"))
