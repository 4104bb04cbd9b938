"""Writes the pages of the reference: one for each distribution, and one for each public name."""

from __future__ import annotations

import importlib
import inspect
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minidl_core import Component, registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
FOLDER = "reference"
TITLES = {
    "modules": "Modules",
    "losses": "Losses",
    "optimizers": "Optimizers",
    "schedules": "Schedules",
    "engines": "Engines",
    "datasets": "Datasets",
}


def packages() -> list[str]:
    """The packages of this repository, the core first."""
    names = sorted(each.parent.name for each in ROOT.glob("minidl_*/pyproject.toml"))
    return sorted(names, key=lambda name: name != "minidl_core")


def components(package: str) -> Iterator[Component]:
    """The components of a distribution, but for its commands, which have a page of their own."""
    for kind in TITLES:
        for each in registry.components(kind):
            if each.distribution.name.replace("-", "_") == package and each.name != "default":
                yield each


def write_page(folder: Path, address: str, thing: Any) -> None:
    """Write the page of one public name, which is imported from `address`."""
    name = address.rpartition(".")[2]
    if inspect.isclass(thing):
        directive, options = "autoclass", [":members:", ":show-inheritance:"]
    elif inspect.isroutine(thing):
        directive, options = "autofunction", []
    else:
        directive, options = "py:data", [f":type: {type(thing).__name__}"]
    lines = [name, "=" * len(name), "", f".. {directive}:: {address}"]
    lines += [f"   {option}" for option in options]
    (folder / f"{name}.rst").write_text("\n".join(lines) + "\n", encoding="utf-8")


def listing(title: str, names: list[str], folder: str) -> list[str]:
    """A section with a table of contents, whose pages are in `folder`."""
    pages = [f"   {folder}/{name}" for name in sorted(names, key=str.lower)]
    return [title, "-" * len(title), "", ".. toctree::", "   :maxdepth: 1", "", *pages, ""]


def write_distribution(folder: Path, package: str) -> None:
    """Write the page of a distribution, and those of its names."""
    module = importlib.import_module(package)
    pages = folder / package
    pages.mkdir(parents=True)
    lines = [package, "=" * len(package), "", f".. automodule:: {package}", "   :no-members:", ""]
    lines += ["   Install it with ``pip install " + package.replace("_", "-") + "``.", ""]
    listed: dict[str, list[str]] = {}
    for each in components(package):
        thing = registry.get(each.kind, each.name)
        name = getattr(thing, "__name__", each.name)
        public = name in module.__all__
        address = f"{package}.{name}" if public else each.value.replace(":", ".")
        write_page(pages, address, thing)
        listed.setdefault(TITLES[each.kind], []).append(name)
    done = {name for names in listed.values() for name in names}
    for name in set(module.__all__) - done:
        write_page(pages, f"{package}.{name}", getattr(module, name))
        errors = name.endswith(("Error", "Warning"))
        title = "Errors and warnings" if errors else "Functions and classes"
        listed.setdefault(title, []).append(name)
    for title, names in listed.items():
        lines += listing(title, names, package)
    (folder / f"{package}.rst").write_text("\n".join(lines), encoding="utf-8")


def write_commands(folder: Path) -> None:
    """Write the page of all commands."""
    lines = ["Commands", "========", "", "``minidl --help`` lists what is installed.", ""]
    for each in registry.components("commands"):
        if each.distribution.name.replace("-", "_") in packages():
            lines += [f".. click:: {each.value}", f"   :prog: minidl {each.name}", ""]
    (folder / "commands.rst").write_text("\n".join(lines), encoding="utf-8")


def write_reference(app: Sphinx) -> None:
    """Write all pages anew, below the folder of the sources."""
    folder = Path(app.srcdir, FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for package in packages():
        write_distribution(folder, package)
    write_commands(folder)


def skip_strangers(
    _app: Sphinx, _what: str, _name: str, thing: Any, _skip: bool, _options: Any
) -> bool | None:
    """Leave out what a class inherits from another library."""
    module = getattr(thing, "__module__", None) or "minidl"
    return None if module.startswith("minidl") else True


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-skip-member", skip_strangers)
    app.connect("builder-inited", write_reference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
