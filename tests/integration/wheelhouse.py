"""A folder of real wheels that stands in for the package index, so that no test needs a network.

Our distributions are built from the tree with their own backend. What they need is put back into
wheels from where it is installed now. Of what is large, torch and numpy, the wheel has the right
name and version, and one .pth file that leads to where it is installed now.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = Path(__file__).parents[2]
OURS = [
    ROOT / "minidl_core",
    ROOT / "minidl_plugins_basic",
    ROOT / "minidl_plugins_devkit",
    ROOT / "examples" / "acme-nets",
]
TOOLS = ["build", "editables", "hatchling", "tox", "pytest", "click", "packaging", "pluggy"]
LARGE = ["numpy", "torch"]
TAG = "py3-none-any"


def fill(folder: Path) -> None:
    """Put every wheel that the tests install, directly or by a requirement, into `folder`."""
    for project in OURS:
        build_wheel(project, folder)
    for name in sorted(_needed(TOOLS)):
        rebuild_wheel(distribution(name), folder)
    libraries = folder / "libraries"
    libraries.mkdir()
    for name in _needed(LARGE):
        _link(distribution(name), libraries)
    for name in LARGE:
        lead = {f"{name}_is_elsewhere.pth": f"{libraries}\n"}
        write_wheel(folder, name, distribution(name).version, lead)


def build_wheel(project: Path, folder: Path) -> None:
    """The wheel of a project, from its own build backend."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run(
        [*command, str(project)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def write_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str | bytes],
    *,
    requires: Iterable[str] = (),
    entry_points: Mapping[str, Mapping[str, str]] | None = None,
) -> Path:
    """A wheel by hand: the least that pip accepts."""
    stem = f"{name.replace('-', '_')}-{version}"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    points = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())
        for group, lines in (entry_points or {}).items()
    ]
    info = {
        "METADATA": "\n".join(metadata) + "\n",
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {TAG}\n",
        "entry_points.txt": "\n".join(points),
    }
    named = {**files, **{f"{stem}.dist-info/{file}": text for file, text in info.items()}}
    return _zip(folder / f"{stem}-{TAG}.whl", f"{stem}.dist-info", named)


def rebuild_wheel(installed: Distribution, folder: Path) -> None:
    """The wheel that `installed` came from, from the files that it left."""
    tags = re.findall(r"^Tag: (.*)$", installed.read_text("WHEEL") or "", re.MULTILINE)
    files: dict[str, bytes] = {}
    info = ""
    for file in installed.files or []:
        head, *rest = file.parts
        if head.endswith(".dist-info"):
            info = head
            if rest[-1] in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
                continue
        if head != ".." and "__pycache__" not in rest:  # scripts are made anew
            files[file.as_posix()] = Path(str(installed.locate_file(file))).read_bytes()
    _zip(folder / f"{info.removesuffix('.dist-info')}-{tags[-1]}.whl", info, files)


def _zip(wheel: Path, info: str, files: Mapping[str, str | bytes]) -> Path:
    record = [f"{file},,\n" for file in [*files, f"{info}/RECORD"]]
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, content in files.items():
            archive.writestr(file, content)
        archive.writestr(f"{info}/RECORD", "".join(record))
    return wheel


def _needed(names: Iterable[str]) -> set[str]:
    """The names, and of all that they require here, directly or not."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop().lower()
        if name in found:
            continue
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:
            raise AssertionError(
                f"these tests install {name} into an environment of their own, from where it is "
                f"installed now, and it is not; pip install {' '.join([*TOOLS, *LARGE])}"
            ) from None
        found.add(name)
        requirements = map(Requirement, lines)
        left += [r.name for r in requirements if not r.marker or r.marker.evaluate({"extra": ""})]
    return found


def _link(installed: Distribution, folder: Path) -> None:
    """Make what `installed` is imported by importable from `folder`, without its metadata."""
    heads = {file.parts[0] for file in installed.files or []}
    for head in heads - {"..", "__pycache__"}:
        link = folder / head
        if not head.endswith(".dist-info") and not link.exists():
            link.symlink_to(Path(str(installed.locate_file(head))))
