"""A virtual environment of its own, and running commands as a user in it does."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Of the environment that runs the tests, what would leak into the one under test.
LEAKS = ("PYTHON", "PIP_", "TOX_", "VIRTUAL", "COV_", "MINIDL_", "PYTEST_")


def clean_variables(wheelhouse: Path) -> dict[str, str]:
    """The variables of a user whose pip gets everything from `wheelhouse`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LEAKS)}
    return {
        **kept,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_FIND_LINKS": str(wheelhouse),
        "PIP_NO_COMPILE": "1",
        "PIP_NO_INDEX": "1",
        "PYTHONIOENCODING": "utf-8",
    }


class Environment:
    """A virtual environment in `folder` that installs from `wheelhouse`."""

    def __init__(self, folder: Path, wheelhouse: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.wheelhouse = wheelhouse
        # virtualenv, and not venv, for it copies an unpacked pip and so takes a tenth of the time
        command = [sys.executable, "-m", "virtualenv", "--quiet", "--no-download", str(folder)]
        subprocess.run(command, check=True)
        (self.site,) = folder.glob("lib/python*/site-packages")

    def run(
        self, *command: str, expect: int = 0, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of the environment's commands; `expect` is the exit status that it must have."""
        done = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=cwd or self.folder,
            env={**self.variables(), **variables},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert done.returncode == expect, f"{command}: {done.stdout}{done.stderr}"
        return done

    def minidl(self, *arguments: str, expect: int = 0, **variables: str) -> str:
        """What ``minidl`` prints; a warning or a traceback is an error."""
        done = self.run("minidl", *arguments, expect=expect, PYTHONWARNINGS="error", **variables)
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout if expect == 0 else done.stdout + done.stderr

    def pip(self, *arguments: str) -> None:
        self.run("python", "-m", "pip", "--quiet", *arguments)

    def variables(self) -> dict[str, str]:
        kept = clean_variables(self.wheelhouse)
        return {**kept, "PATH": f"{self.bin}{os.pathsep}{kept['PATH']}"}

    def installed(self) -> set[str]:
        return {folder.name.partition("-")[0] for folder in self.site.glob("*.dist-info")}

    def as_it_was(self) -> Iterator[Environment]:
        """Lend the environment, and uninstall what was installed meanwhile."""
        before = self.installed()
        yield self
        added = self.installed() - before
        if added:
            self.pip("uninstall", "--yes", *sorted(added))
