"""Running the tutorial notebooks, and comparing what they print with what is committed.

The text of a cell is all that it prints and shows as plain text. Two texts are equal if

- they have the same words in the same order (spaces and the strokes of tables do not count), after
  times (a number and s, ms or µs) and absolute paths are masked;
- whole numbers are the same;
- numbers with a decimal point or exponent differ by at most 1 %, or by less than 1e-6.

Of images, only their number counts. In a Markdown cell a number in **bold** is measured: some
output of the notebook prints it, with the same digits.
"""

from __future__ import annotations

import math
import os
import re
import sys
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbclient import NotebookClient

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
SECONDS = 60  # for one cell

NUMBER = r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])"
TIME = re.compile(r"\b\d+(?:\.\d+)? ?(?:s|ms|µs)\b")
PATHS = re.compile(r"(?<![\w.])(?:/[\w.@+-]+){2,}")
BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)


def notebooks() -> list[Path]:
    """The tutorials, sorted by name."""
    return sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def run(notebook: Any, folder: Path) -> Any:
    """Return a copy of `notebook`, executed by a new kernel in `folder` on one thread."""
    fresh = nbformat.from_dict({**notebook, "cells": [dict(cell) for cell in notebook.cells]})
    for cell in code_cells(fresh):
        cell.outputs = []
    client = NotebookClient(
        fresh,
        timeout=SECONDS,
        kernel_name="python3",
        allow_errors=True,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    own = {"IPYTHONDIR": str(folder / ".ipython"), "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
    own["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # The kernel has a backend of its own, and the default engine.
    left_out = ("MPLBACKEND", "PYTHONWARNINGS", "MINIDL_ENGINE")
    client.execute(env={**{k: v for k, v in os.environ.items() if k not in left_out}, **own})
    return fresh


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(cell: Any) -> str:
    """What a cell prints and shows as text; its images and HTML are left out."""
    parts = (
        output.text if output.output_type == "stream" else output.get("data", {})
        for output in cell.outputs
    )
    return "\n".join(
        part if isinstance(part, str) else "" if images_in(part) else part.get("text/plain", "")
        for part in parts
    )


def images_in(data: Any) -> int:
    return sum(kind.startswith("image/") for kind in data)


def images_of(cell: Any) -> int:
    return sum(images_in(output.get("data", {})) for output in cell.outputs)


def errors_of(notebook: Any) -> Iterator[str]:
    """A line for each cell that ended in an error."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                first = cell.source.strip().splitlines()[0]
                yield f"cell {number} ({first}): {output.ename}: {output.evalue}"


def words(text: str) -> list[str]:
    """The words and numbers of a text, with times and paths masked."""
    text = PATHS.sub("PATH", TIME.sub("TIME", text.replace("−", "-")))
    return re.findall(rf"{NUMBER}|\w+|[^\w\s─━│]", text)


def same(one: str | None, other: str | None) -> bool:
    """Whether two words are the same, or two numbers are equal but for rounding."""
    if one == other or one is None or other is None:
        return one == other
    if not (re.fullmatch(NUMBER, one) and re.fullmatch(NUMBER, other)):
        return False
    if not (set(one) & set(".e") or set(other) & set(".e")):
        return False  # whole numbers that differ
    return math.isclose(float(one), float(other), rel_tol=0.01, abs_tol=1e-6)


def differences(committed: Any, fresh: Any) -> Iterator[str]:
    """A line for each cell whose output is not the committed one."""
    for number, (cell, again) in enumerate(zip(committed.cells, fresh.cells, strict=True)):
        if cell.cell_type != "code":
            continue
        before, now = words(text_of(cell)), words(text_of(again))
        for place, (one, other) in enumerate(zip_longest(before, now)):
            if not same(one, other):
                near = " ".join(before[max(0, place - 5) : place])
                yield f"cell {number}, after '{near}': committed {one!r}, now {other!r}"
                break
        if images_of(cell) != images_of(again):
            yield f"cell {number}: committed {images_of(cell)} images, now {images_of(again)}"


def measured(notebook: Any) -> list[str]:
    """The numbers in bold in the Markdown cells."""
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    bold = chain.from_iterable(BOLD.findall(text) for text in texts)
    return [number for part in bold for number in re.findall(NUMBER, part.replace("−", "-"))]


def unprinted(notebook: Any) -> list[str]:
    """The measured numbers that no output of the notebook prints."""
    printed = set()
    for cell in code_cells(notebook):
        printed.update(re.findall(NUMBER, text_of(cell).replace("−", "-")))
    return [number for number in measured(notebook) if number not in printed]
