"""Distributions made on disk: metadata folders and modules, as pip would leave them."""

from __future__ import annotations

import importlib
import itertools
import os
import subprocess
import sys
import textwrap
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from minidl_core import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

GOOD_MODULE = """
class {name}:
    training = True
    def forward(self, *inputs): return inputs
    def backward(self, *grads): return grads
    def param(self): return []
    def info(self): print("{name}")
    def train(self): pass
    def eval(self): pass
"""


class Site:
    """A folder of installed distributions, on ``sys.path`` while the test runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def install(
        self,
        name: str,
        entry_points: Mapping[str, Mapping[str, str]] | str,
        modules: Mapping[str, str] | None = None,
        *,
        version: str = "1.0",
        requires: Sequence[str] = (),
        suffix: str = "dist-info",
        metadata: str | None = None,
    ) -> Path:
        """Lay down ``name-version.dist-info`` and the source of `modules` (``"pkg.mod"``)."""
        folder = self.folder / f"{name.replace('-', '_')}-{version}.{suffix}"
        folder.mkdir()
        if metadata is None:
            lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
            lines += [f"Requires-Dist: {requirement}" for requirement in requires]
            metadata = "\n".join(lines) + "\n\nA description, with a\nVersion: 99\n"
        (folder / ("PKG-INFO" if suffix == "egg-info" else "METADATA")).write_text(metadata)
        if not isinstance(entry_points, str):
            entry_points = "\n".join(
                f"[{group}]\n" + "\n".join(f"{key} = {value}" for key, value in points.items())
                for group, points in entry_points.items()
            )
        (folder / "entry_points.txt").write_text(entry_points, encoding="utf-8")
        for module, source in (modules or {}).items():
            file = self.folder.joinpath(*module.split(".")).with_suffix(".py")
            for package in reversed(file.relative_to(self.folder).parents[:-1]):
                (self.folder / package).mkdir(exist_ok=True)
                (self.folder / package / "__init__.py").touch()
            file.write_text(textwrap.dedent(source), encoding="utf-8")
        importlib.invalidate_caches()
        return folder

    def layer(self, distribution: str, module: str, name: str, **kwargs: object) -> Path:
        """Install a distribution that provides one good module."""
        return self.install(
            distribution,
            {"minidl.modules": {name: f"{module}:{name}"}},
            {module: GOOD_MODULE.format(name=name)},
            **kwargs,  # type: ignore[arg-type]
        )


def minidl_beside(site: Site, *projects: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``minidl`` in processes that see `site` and `projects` of ours, and no other plugin."""
    alone = (
        "import sys\n"
        "sys.path[:] = [p for p in sys.path if not p.endswith('-packages')]\n"
        "sys.path += {paths!r}\n"
        "from minidl_core.command import main\n"
        "main(sys.argv[1:])\n"
    )
    libraries = Site(site.folder / "libraries")
    for package in (*projects, "click", "pluggy", "packaging"):
        module = importlib.import_module(package.replace("-", "_"))
        (libraries.folder / module.__name__).symlink_to(Path(str(module.__file__)).parent)
    for project in projects:
        ours = metadata.distribution(project)
        libraries.install(project, ours.read_text("entry_points.txt") or "", version=ours.version)
    script = alone.format(paths=[str(libraries.folder), str(site.folder)])

    def run(
        *arguments: str, expect: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: v for name, v in os.environ.items() if not name.startswith("MINIDL_")}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script, *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**kept, "PYTHONIOENCODING": "utf-8", **environment},
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def make_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Site]]:
    """Makes sites, each put at the end of ``sys.path``; what they imported is forgotten."""
    counter = itertools.count()
    before = set(sys.modules)

    def make() -> Site:
        site = Site(tmp_path / f"site{next(counter)}")
        monkeypatch.setattr(sys, "path", [*sys.path, str(site.folder)])
        return site

    yield make  # type: ignore[misc]
    for name in set(sys.modules) - before:
        if not name.startswith(("minidl_core", "pluggy", "click", "packaging")):
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(str(tmp_path)):
                del sys.modules[name]


@pytest.fixture
def site(make_site: type[Site]) -> Site:
    return make_site()  # type: ignore[call-arg]


@pytest.fixture
def registry(site: Site) -> Registry:
    """What is installed in `site`, and nothing else; a plugin left out is an error."""

    def refuse(sentence: str) -> None:
        raise AssertionError(sentence)

    return Registry([str(site.folder)], report=refuse)
