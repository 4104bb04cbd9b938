"""``minidl new``."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import click

from minidl_core import ArgumentError, MinidlError, canonical

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["command"]


@click.command("new")
@click.argument("path", type=click.Path(file_okay=False, path_type=Path))
def command(path: Path) -> None:
    """Write a complete plugin package to PATH; its last part names the distribution.

    It has one layer with its gradients, which is listed and proven once it is installed. A file
    that exists is never overwritten: then nothing is written at all.
    """
    distribution = canonical(path.resolve().name)
    package = distribution.replace("-", "_")
    _check_names(distribution, package, path)
    names = {"distribution": distribution, "package": package}
    texts = {
        path / _renamed(relative, package): Template(source.read_text("utf-8")).substitute(names)
        for relative, source in _walk(files("minidl_plugins_devkit.template") / "files", Path())
    }
    _write(texts)
    for file in texts:
        click.echo(f"wrote {file}")
    click.echo(
        f"\nNext:\n  pip install -e {path}\n  minidl check {distribution}\n"
        f"Then start in {path / 'src' / package / 'prelu.py'}"
    )


def _check_names(distribution: str, package: str, path: Path) -> None:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", distribution):
        raise ArgumentError(
            f"the name of a distribution is made of letters, digits and -, got {path.name!r}; "
            "choose another last part, as in: minidl new ../acme-layers"
        )
    if not package.isidentifier() or keyword.iskeyword(package):
        raise ArgumentError(
            f"{distribution} would be imported as {package}, which is no Python name; "
            "choose another last part, as in: minidl new ../acme-layers"
        )
    if find_spec(package) is not None:
        raise ArgumentError(
            f"{distribution} would be imported as {package}, which is taken by an installed "
            "module; choose another last part, as in: minidl new ../acme-layers"
        )


def _walk(folder: Traversable, at: Path) -> list[tuple[Path, Traversable]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _walk(entry, at / entry.name)
        elif entry.name.endswith(".tmpl"):
            found.append((at / entry.name, entry))
    return found


def _renamed(relative: Path, package: str) -> Path:
    parts = [package if part == "package" else part for part in relative.parts]
    return Path(*parts).with_name(relative.name.removesuffix(".tmpl"))


def _write(texts: dict[Path, str]) -> None:
    """Write all of `texts`, or, if that is not possible, nothing: not even a folder."""
    made: list[Path] = []
    try:
        existing = [str(file) for file in texts if file.exists() or file.is_symlink()]
        if existing:
            raise MinidlError(
                f"nothing was written: {', '.join(existing)} would be overwritten; "
                "give a path that does not exist"
            )
        for file, text in texts.items():
            for folder in reversed(file.parents):
                if not folder.exists():
                    folder.mkdir()
                    made.append(folder)
            with file.open("x", encoding="utf-8") as stream:
                made.append(file)
                stream.write(text)
    except BaseException as error:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink()
        if not isinstance(error, OSError):
            raise
        raise MinidlError(
            f"nothing was written: {error.strerror} ({error.filename or file}); "
            "give a path in a folder that can be written to"
        ) from error
