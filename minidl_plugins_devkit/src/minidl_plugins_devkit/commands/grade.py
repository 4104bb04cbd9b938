"""``minidl grade``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from minidl_core import ArgumentError
from minidl_core.console import echo_json, echo_table, json_option, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_plugins_devkit.grading.grades import Grade

__all__ = ["command"]

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("grade")
@click.argument("assignment", type=FILE)
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE.py|FOLDER..."
)
@click.option("--csv", "csv_file", type=FILE, help="Write a row for each file there.")
@click.option("--junit", "junit_file", type=FILE, help="Write JUnit's XML there.")
@click.option(
    "--feedback", type=click.Path(path_type=Path, file_okay=False),
    help="Write a text for each file into this folder.",
)  # fmt: skip
@click.option("--processes", type=click.IntRange(1), help="How many files at a time.")
@json_option
def command(
    assignment: Path,
    paths: tuple[Path, ...],
    csv_file: Path | None,
    junit_file: Path | None,
    feedback: Path | None,
    processes: int | None,
    as_json: bool,
) -> None:
    """Give points to many files by the checks of an ASSIGNMENT, a TOML file.

    Each file is run in a process of its own with a limit of time and memory, so that none stops the
    others. That is no sandbox: run files of people whom you do not trust in a container.
    """
    from minidl_plugins_devkit.grading import reports
    from minidl_plugins_devkit.grading.assignment import read_assignment
    from minidl_plugins_devkit.grading.grading import grade_files

    asked = read_assignment(assignment)
    files = list(_files(paths))
    by_file = {}
    for grade in grade_files(files, asked, processes=processes):
        by_file[grade.file] = grade
        _tell(f"{len(by_file)} of {len(files)}: {grade.file}")
    _tell("")
    grades = [by_file[file] for file in files]
    if csv_file:
        csv_file.write_text(reports.as_csv(grades), encoding="utf-8")
    if junit_file:
        junit_file.write_text(reports.as_junit(grades, asked.title), encoding="utf-8")
    if feedback:
        reports.write_feedback(grades, asked.title, feedback)
    if as_json:
        echo_json([grade.tree() for grade in grades])
    else:
        _show(grades)


def _tell(text: str) -> None:
    """Show progress on a terminal, in one line."""
    if sys.stderr is not None and sys.stderr.isatty():
        click.echo(f"\r\x1b[K{printable(text)}", nl=False, err=True)


def _files(paths: Iterable[Path]) -> Iterable[str]:
    """Yield each file once, those of a folder and of the folders in it in the order of their names.

    Raises:
        ArgumentError: a path is not there, or there is no file in a folder.
    """
    seen = set()
    for path in paths:
        found = [path] if path.is_file() else sorted({*path.glob("*.py"), *path.glob("*/*.py")})
        if not found:
            what = "a folder with none" if path.is_dir() else "none"
            raise ArgumentError(f"expected Python files to grade, got {what}", where=str(path))
        for file in found:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield str(file)


def _show(grades: list[Grade]) -> None:
    from minidl_plugins_devkit.grading.reports import shown

    rows = [["file", "points", "of", "why"]]
    for grade in grades:
        head, _, rest = grade.first_message.partition("\n")
        why = (rest if head.endswith(":") and rest else head).partition("\n")[0]
        why = why if len(why) <= 100 else f"{why[:99]}…"
        rows.append([grade.file, shown(grade.points), shown(grade.most), printable(why)])
    echo_table(rows)
    points = sorted(grade.points for grade in grades)
    middle = (points[(len(points) - 1) // 2] + points[len(points) // 2]) / 2
    click.echo(f"{len(grades)} files, median {shown(middle)}, worst {shown(points[0])}")
