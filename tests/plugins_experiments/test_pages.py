"""The pages on tables, models and teaching do what they say, in a folder that is empty at first.

A block below ``<!-- write FILE -->`` is a file; each line after "$ " of a console block is run, and
prints what stands below it, where "..." is anything, and below ``<!-- fails -->`` it exits with 1;
Python below ``<!-- run -->`` is run. ``pip install -e .`` writes the metadata that pip would write
into a folder on the path, and leaves the environment as it is.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import tomllib

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    "a-table-of-your-own.md",
    "another-backward.md",
    "compare-runs.md",
    "teaching.md",
    "use-a-trained-model.md",
    "write-a-dataset.md",
    "write-an-engine.md",
    "write-an-observer.md",
]
FENCE = re.compile(r"(?:^<!-- ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def prints(command: list[str], folder: Path, status: int = 0) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def install(folder: Path) -> None:
    """What ``pip install -e .`` leaves behind for a project without dependencies to install."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n",
        encoding="utf-8",
    )
    points = configparser.ConfigParser()
    points.read_dict(project["entry-points"])
    with (info / "entry_points.txt").open("w", encoding="utf-8") as stream:
        points.write(stream)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page: str, tmp_path: Path) -> None:
    minidl = str(Path(sys.executable).with_name("minidl"))
    done = 0
    for mark, language, text in FENCE.findall((DOCS / page).read_text(encoding="utf-8")):
        act, _, name = mark.partition(" ")
        if act == "write":
            (tmp_path / name).write_text(text, encoding="utf-8")
        elif act == "run":
            prints([sys.executable, "-W", "error", "-c", text], tmp_path)
            done += 1
        elif language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                words = shlex.split(command)
                if command == "pip install -e .":
                    install(tmp_path)
                    continue
                assert words[0] == "minidl"
                out = prints([minidl, *words[1:]], tmp_path, int(act == "fails"))
                pattern = ".*".join(map(re.escape, shown.strip().split("...")))
                assert re.fullmatch(pattern, out.strip(), re.DOTALL), out
                done += 1
    assert done
