"""docs/look-inside.md: its programs print what the page says, and its commands work."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

from .conftest import run_minidl

PAGE = Path(__file__).parents[2] / "docs" / "look-inside.md"
TEXT = PAGE.read_text(encoding="utf-8")
# A program, and the output below it if there is one.
PROGRAM = re.compile(r"```python\n(.*?)```\n(?:\n```\n(.*?)```\n)?", re.DOTALL)


def outputs():
    """What each program of the page prints; they run one after another in one namespace."""
    names = {}
    for program, expected in PROGRAM.findall(TEXT):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(program, str(PAGE), "exec"), names)
        yield expected, output.getvalue()


def test_programs_print_what_the_page_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = list(outputs())
    assert len(found) >= 6
    for expected, output in found:
        assert output == expected
    assert {path.stem for path in tmp_path.glob("*.png")} == {"histograms", "units", "gradients"}


def test_commands_write_the_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^    minidl (.*)$", TEXT, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        arguments = shlex.split(command)
        fast = ["--set", "epochs=3", "--no-figures"] if arguments[0] == "run" else []
        assert run_minidl(*arguments, *fast) == 0
    assert Path("runs/four/report.html").stat().st_size > 50_000
