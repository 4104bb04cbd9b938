"""Grades as CSV, JUnit's XML, and a text for each file."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidl_plugins_devkit.grading.grades import Grade

__all__ = ["as_csv", "as_junit", "as_text", "shown", "write_feedback"]

# What XML 1.0 has no way to write.
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def shown(points: float) -> str:
    """Return points without needless digits."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def as_csv(grades: Sequence[Grade]) -> str:
    """Return a row for each file, and a column for each check."""
    columns = dict.fromkeys(f"{check.task}.{check.check}" for g in grades for check in g.checks)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "points", "most", *columns, "problem"])
    for grade in grades:
        own = {f"{check.task}.{check.check}": shown(check.points) for check in grade.checks}
        cells = [own.get(column, "") for column in columns]
        writer.writerow(
            [grade.file, shown(grade.points), shown(grade.most), *cells, grade.first_message]
        )
    return text.getvalue()


def as_junit(grades: Sequence[Grade], title: str) -> str:
    """Return a test suite for each file, and a test case for each check."""
    root = ET.Element("testsuites", name=_writable(title))
    for grade in grades:
        failures = sum(check.points < check.most for check in grade.checks)
        suite = ET.SubElement(
            root, "testsuite", name=_writable(grade.file), tests=str(len(grade.checks)),
            failures=str(failures),
        )  # fmt: skip
        for check in grade.checks:
            case = ET.SubElement(
                suite, "testcase", classname=_writable(check.task), name=check.check
            )
            if check.points < check.most:
                score = f"{shown(check.points)} of {shown(check.most)} points"
                failure = ET.SubElement(case, "failure", message=score)
                failure.text = _writable(check.message)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def as_text(grade: Grade, title: str) -> str:
    """Return what a student gets to read."""
    lines = [f"{title}: {shown(grade.points)} of {shown(grade.most)} points", ""]
    if grade.problem:
        lines += [f"The file could not be checked to its end: {grade.problem}.", ""]
    told: set[str] = set()
    for check in grade.checks:
        passed = f", {check.passed} of {check.examples} examples" if check.examples > 1 else ""
        lines.append(
            f"{check.task}, {check.check}: {shown(check.points)} of {shown(check.most)}{passed}"
        )
        if check.message and check.message not in told:
            told.add(check.message)
            lines += [f"    {line}" for line in check.message.splitlines()]
    return "\n".join(lines) + "\n"


def write_feedback(grades: Sequence[Grade], title: str, folder: Path) -> None:
    """Write the text of each file into `folder`, under its name with ``.txt`` at the end."""
    for grade in grades:
        name = "-".join(part for part in Path(grade.file).parts if part not in ("/", ".", ".."))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.txt").write_text(as_text(grade, title), encoding="utf-8")


def _writable(text: str) -> str:
    return UNWRITABLE.sub("?", text)
