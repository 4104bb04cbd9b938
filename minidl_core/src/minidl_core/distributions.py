"""Which installed distributions have something for minidl: metadata is read, nothing is imported.

This is importlib.metadata's view of a path, narrowed to what discovery needs, for two reasons:
it is cheap enough for ``minidl --help``, and no file it meets can make it raise.
"""

from __future__ import annotations

import os
from collections import namedtuple

TYPE_CHECKING = False  # as typing's; importing typing costs as much as a whole scan
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Distribution", "canonical"]

GROUP = "minidl"  # of hook plugins; the group of a kind is minidl.<kind>
CORE = "minidl-core"

EntryPoint = namedtuple("EntryPoint", ["group", "name", "value"])  # noqa: PYI024 (see above)


class Distribution:
    """One installed distribution with entry points in a group of minidl's.

    Attributes:
        name: its canonical name (PEP 503: ``acme-layers``).
        folder: its metadata folder.
        entry_points: those in the group ``minidl`` and in groups ``minidl.…``, each once.
        problems: what is wrong with the metadata, in words.
    """

    def __init__(self, name: str, folder: str, entry_points: str) -> None:
        self.name, self.folder = name, folder
        self.problems: list[str] = []
        self.entry_points = list(dict.fromkeys(self._parse(entry_points)))
        self._headers: list[tuple[str, str]] | None = None
        self._verdicts: dict[str, str | None] = {}

    @property
    def version(self) -> str:
        """Its version, or ``?`` where the metadata does not say."""
        return next((value for key, value in self._metadata() if key == "version"), "?")

    @property
    def hooks(self) -> list[EntryPoint]:
        """Its plugins of hooks."""
        return [point for point in self.entry_points if point.group == GROUP]

    def incompatibility(self, core_version: str) -> str | None:
        """Why it does not work with this minidl-core, by its own requirements; None if it does."""
        if core_version not in self._verdicts:
            self._verdicts[core_version] = self._judge(core_version)
        return self._verdicts[core_version]

    def _judge(self, core_version: str) -> str | None:
        for key, line in self._metadata():
            # parsing every other requirement would cost most of the scan
            if key == "requires-dist" and canonical(line[: len(CORE)]) == CORE:
                from packaging.requirements import InvalidRequirement, Requirement

                try:
                    requirement = Requirement(line)
                except InvalidRequirement as error:
                    return f"its requirement {line!r} cannot be read ({error})".replace("\n", " ")
                applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
                fits = requirement.specifier.contains(core_version, prereleases=True)
                if applies and canonical(requirement.name) == CORE and not fits:
                    return f"requires {line}, but {CORE} is {core_version}"
        return None

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def _parse(self, entry_points: str) -> Iterator[EntryPoint]:
        group = ""
        for number, raw in enumerate(entry_points.splitlines(), start=1):
            line = raw.strip()
            if line[:1] == "[" and line[-1:] == "]":
                group = line[1:-1].strip()
            elif group.split(".")[0] == GROUP and line and line[0] not in "#;":
                name, _, value = (part.strip() for part in line.partition("="))
                if name and value:
                    yield EntryPoint(group, name, value)
                else:
                    self.problems.append(
                        f'line {number} of entry_points.txt, {line!r}, is not "name = value"'
                    )

    def _metadata(self) -> list[tuple[str, str]]:
        """The headers of METADATA, keys in lower case, up to the description."""
        if self._headers is None:
            text = _metadata_in(self.folder)
            if not text:
                self.problems.append(f"{self.folder} has no readable METADATA")
            headers = text.replace("\r", "").split("\n\n", 1)[0].split("\n")
            pairs = (line.partition(":") for line in headers if line[:1].strip())
            self._headers = [(key.strip().lower(), value.strip()) for key, _, value in pairs]
        return self._headers


def find_distributions(path: Iterable[str]) -> list[Distribution]:
    """Every distribution on `path` with entry points for minidl, once each, sorted by name.

    As in Python's imports, the first on the path wins. Of several metadata folders in one place
    (the leftovers of an interrupted upgrade) the complete one with the highest version wins.
    """
    found: dict[str, Distribution] = {}
    seen: dict[str, str] = {}
    for place in dict.fromkeys(os.path.realpath(entry or os.curdir) for entry in path):
        here: dict[str, list[str]] = {}
        for folder in _metadata_folders(place):
            name = canonical(os.path.basename(folder).rpartition(".")[0].partition("-")[0])
            here.setdefault(name, []).append(folder)
        for name, folders in here.items():
            if name not in seen:
                best = folders[0] if len(folders) == 1 else max(folders, key=_completeness)
                seen[name] = best
                entry_points = _read(best, "entry_points.txt")
                if GROUP in entry_points:
                    found[name] = Distribution(name, best, entry_points)
            if name in found:
                best = seen[name]
                found[name].problems += [
                    f"{folder} is metadata of the same distribution, hidden by {best}"
                    for folder in folders
                    if len({"", _version_in(folder), _version_in(best)}) == 3
                ]
    return [each for _, each in sorted(found.items()) if each.entry_points or each.problems]


def canonical(name: str) -> str:
    """The canonical form of a distribution's name (PEP 503)."""
    words = name.strip().lower().replace("_", "-").replace(".", "-").split("-")
    return "-".join(word for word in words if word)


def _metadata_folders(place: str) -> list[str]:
    try:
        with os.scandir(place) as entries:
            return sorted(
                entry.path
                for entry in entries
                if entry.name.endswith((".dist-info", ".egg-info")) and entry.name[0] != "~"
            )
    except OSError:
        return []


def _metadata_in(folder: str) -> str:
    return _read(folder, "METADATA") or _read(folder, "PKG-INFO")


def _read(folder: str, file: str) -> str:
    path = os.path.join(folder, file)  # of a FIFO, opening it would wait for ever
    try:
        with open(path if os.path.isfile(path) else "", encoding="utf-8", errors="replace") as f:
            return f.read()
    except (OSError, ValueError):
        return ""


def _version_in(folder: str) -> str:
    return os.path.basename(folder).rpartition(".")[0].partition("-")[2]


def _completeness(folder: str) -> tuple[bool, object, str]:
    from packaging.version import InvalidVersion, Version

    try:
        version = Version(_version_in(folder))
    except InvalidVersion:
        version = Version("0")
    return bool(_metadata_in(folder)), version, folder
