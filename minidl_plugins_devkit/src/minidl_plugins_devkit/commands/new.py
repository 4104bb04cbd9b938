"""``minidl new``."""

from __future__ import annotations

import keyword
import re
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import click

from minidl_core import ArgumentError, MinidlError, canonical
from minidl_core.console import printable
from minidl_plugins_devkit.template.filling import package_texts
from minidl_plugins_devkit.template.kind import KINDS

if TYPE_CHECKING:
    from minidl_core import Component, Registry
    from minidl_plugins_devkit.template.kind import Kind

__all__ = ["command"]


@click.command("new")
@click.argument("path", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="module",
    show_default=True,
    help="What the package has.",
)
@click.pass_obj
def command(registry: Registry, path: Path, kind: str) -> None:
    """Write a complete plugin package to PATH; its last part names the distribution.

    It has one component of that kind, with its tests, which is listed once it is installed. A file
    that exists is never overwritten: then nothing is written at all.
    """
    distribution = canonical(path.resolve().name)
    package = distribution.replace("-", "_")
    _check_names(distribution, package, path, registry)
    texts = package_texts(path, KINDS[kind], kind, distribution, package)
    _write(texts)
    for file in texts:
        click.echo(f"wrote {file}")
    proof = Template(KINDS[kind].proof[0]).substitute(distribution=distribution)
    click.echo(
        f"\nNext:\n  pip install -e {path}\n  {proof}\n"
        f"Then start in {path / 'src' / package / KINDS[kind].module}.py"
    )
    for other in _namesakes(registry, KINDS[kind]):
        click.echo(
            printable(
                f"Note: {other.distribution} has a {KINDS[kind].name} too. Rename yours, or write "
                f'"{distribution}/{KINDS[kind].name}"'
            )
        )


def _namesakes(registry: Registry, kind: Kind) -> list[Component]:
    """The installed components of the same kind and name; none of hooks, which have no names."""
    group = kind.group.removeprefix("minidl.")
    known = registry.components(group) if group in registry.kinds() else []
    return [
        c for c in known if c.name == kind.name and registry.unavailable(c.distribution) is None
    ]


def _check_names(distribution: str, package: str, path: Path, registry: Registry) -> None:
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
    for installed in registry.distributions():
        if installed.name == distribution:
            raise ArgumentError(
                f"{installed} is installed already; choose another last part, as in: "
                "minidl new ../acme-layers"
            )


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
