"""docs/writing-a-plugin.md does what it says: its commands are run, in order, as a reader would.

What is done with a fenced block is said by its language, or by a comment above it:

    console            each line after "$ " is run, and must print the lines below it, if there are
                       any; "..." is whatever may be printed there
    diff               the lines with - are replaced by those with +, in the file after ---
    <!-- in FILE -->   the block is part of the file, to the letter
    <!-- write FILE -->
    <!-- exits with N -->
    <!-- not run: REASON -->
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from .environments import clean_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = Path(__file__).parents[2] / "docs" / "writing-a-plugin.md"
FENCE = re.compile(r"(?:^<!-- ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: where it is, what is said above it, its language and its text."""

    line: int
    mark: str
    language: str
    text: str


def blocks(document: str) -> Iterator[Block]:
    for found in FENCE.finditer(document):
        mark, language, text = found.groups()
        line = document.count("\n", 0, found.start()) + 1
        yield Block(line, mark or "", language, text)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command with the output that is shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def is_shown(output: str, shown: str) -> bool:
    """Whether `output` is what is `shown`, where ``...`` may be anything, also nothing."""
    pattern = ".*".join(map(re.escape, shown.strip().split("...")))
    return re.fullmatch(pattern, output.strip(), re.DOTALL) is not None


class Reader:
    """Does what the document says, beginning in an empty folder with nothing but Python."""

    def __init__(self, folder: Path, wheelhouse: Path) -> None:
        self.folder = folder
        self.variables = {**clean_variables(wheelhouse), "PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
        (folder / "bin").mkdir()
        base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
        (folder / "bin" / "python").symlink_to(base)

    def do(self, block: Block) -> None:
        act, _, argument = block.mark.partition(" ")
        if act == "in":
            assert block.text in (self.folder / argument).read_text(encoding="utf-8")
        elif act == "write":
            (self.folder / argument).write_text(block.text, encoding="utf-8")
        elif block.language == "diff":
            self.edit(block.text)
        elif block.language == "console":
            expect = int(block.mark.removeprefix("exits with ") or 0)
            for command, shown in commands(block.text):
                self.run(command, shown, expect)
        else:
            pytest.fail(f"nothing is said about what to do with this {block.language} block")

    def edit(self, diff: str) -> None:
        head, *lines = diff.splitlines(keepends=True)
        old, new = ("".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
        file = self.folder / head.removeprefix("--- ").strip()
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1
        file.write_text(text.replace(old, new), encoding="utf-8")

    def run(self, command: str, shown: str, expect: int) -> None:
        """Run `command` in the shell that the commands before have left."""
        keep = 'code=$?; printf "\\n%s\\n%s" "$PWD" "$PATH"; exit $code'
        done = subprocess.run(
            ["/bin/bash", "-c", f"{command} 2>&1\n{keep}"],
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=180,
            check=False,
        )
        output, folder, self.variables["PATH"] = done.stdout.rsplit("\n", 2)
        self.folder = Path(folder)
        if done.returncode != expect:
            pytest.fail(f"{command} exits with {done.returncode}:\n{output}", pytrace=False)
        if shown and not is_shown(output, shown):
            pytest.fail(f"{command} prints\n{output}\nand not\n{shown}", pytrace=False)


def test_the_document_does_what_it_says(tmp_path: Path, wheelhouse: Path) -> None:
    reader = Reader(tmp_path, wheelhouse)
    left_out = []
    for block in blocks(DOCUMENT.read_text(encoding="utf-8")):
        if block.mark.startswith("not run: "):
            left_out += [command for command, _ in commands(block.text)]
            continue
        reader.do(block)
    assert left_out == ["pip install twine", "twine upload dist/*"]


# -- the reader itself -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("a\nb\n", "a\nb"),
        ("a\nx\ny\nb", "a\n...\nb"),
        ("3 failed, 40 passed\nand more", "3 failed, ... passed\n..."),
    ],
)
def test_output_that_is_shown(output: str, shown: str) -> None:
    assert is_shown(output, shown)


@pytest.mark.parametrize(
    ("output", "shown"),
    [("a\nb", "a"), ("a", "a\nb"), ("a\nc", "a\n...\nb"), ("axb", "a.b"), ("", "a")],
)
def test_output_that_is_not_shown(output: str, shown: str) -> None:
    assert not is_shown(output, shown)


def test_a_command_that_fails_is_told_with_its_output(tmp_path: Path, wheelhouse: Path) -> None:
    block = Block(1, "", "console", "$ echo oh; false\n")
    with pytest.raises(pytest.fail.Exception, match=r"echo oh; false exits with 1:\noh"):
        Reader(tmp_path, wheelhouse).do(block)
