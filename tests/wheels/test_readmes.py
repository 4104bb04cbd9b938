"""The description of each distribution works as it stands, with the built wheels alone.

A block with ``file=NAME`` is a file, an indented line is a command, and Python is run in order.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from .packages import PACKAGES

FENCE = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^ {4}(.*?)(?: +#.*)?$", re.MULTILINE)
PYTEST = "parametrize_with_checks"


def description_of(dist: Path, package: str) -> str:
    (wheel,) = dist.glob(f"{package}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(name))
    assert metadata["Description-Content-Type"] == "text/markdown"
    payload = metadata.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode("utf-8")


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, encoding="utf-8", timeout=300, check=False
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_a_description_works_as_it_stands(dist: Path, package: str, tmp_path: Path) -> None:
    text = description_of(dist, package)
    python = []
    for language, name, block in FENCE.findall(text):
        if name:
            (tmp_path / name).write_text(block, encoding="utf-8")
        elif PYTEST in block:
            (tmp_path / "test_conforms.py").write_text(block, encoding="utf-8")
            run([sys.executable, "-m", "pytest", "-q", "test_conforms.py"], tmp_path)
        else:
            assert language == "python"
            python.append(block)
    if python:
        assert run([sys.executable, "-W", "error", "-c", "\n".join(python)], tmp_path)
    commands = [shlex.split(line) for line in COMMAND.findall(FENCE.sub("", text))]
    install, *others = commands
    assert install[:3] == ["pip", "install", package.replace("_", "-")]
    assert others
    for program, *arguments in others:
        assert run([str(Path(sys.executable).with_name(program)), *arguments], tmp_path)
