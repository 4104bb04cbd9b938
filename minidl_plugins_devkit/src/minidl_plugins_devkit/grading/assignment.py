"""What an assignment asks for, from its TOML file."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError, suggest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Assignment", "Task", "read_assignment"]

OF_TASK = ("class", "kind", "reference", "points", "examples")
OF_ALL = ("title", "seed", "seconds", "gigabytes", "tasks")
OF_EXAMPLE = ("kwargs", "shapes", "low", "high", "batch_axis")


@dataclass(frozen=True)
class Task:
    """One class that a file has to define.

    Attributes:
        name: of the class.
        kind: such as ``"modules"``; read off its methods when left out.
        reference: the file and the class of the solution, ``FILE.py:CLASS``, or None. Without
            examples of the assignment's own, the solution's are used.
        points: of each check that counts, by its name; empty: every check counts one point.
        examples: arguments of `minidl_core.Example`; None for those of the solution, or the class.
    """

    name: str
    kind: str | None = None
    reference: str | None = None
    points: Mapping[str, float] = field(default_factory=dict)
    examples: list[dict[str, Any]] | None = None


@dataclass(frozen=True)
class Assignment:
    """All of it.

    Attributes:
        title: what reports call it.
        tasks: the classes that are asked for.
        seed: of the inputs and parameters that are drawn.
        seconds: that each file may take.
        gigabytes: of memory that each file may take beyond what the libraries have.
    """

    title: str
    tasks: list[Task]
    seed: int = 0
    seconds: float = 60.0
    gigabytes: float = 2.0


def read_assignment(path: Path) -> Assignment:
    """Return the assignment in the file `path`.

    Raises:
        ArgumentError: it cannot be read, or something in it is not what it has to be.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"cannot be read: {error}", where=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise ArgumentError(f"is not TOML: {error}", where=str(path)) from error
    _check_keys(tree, (*OF_ALL, *(() if "tasks" in tree else OF_TASK)), str(path))
    tasks = tree.get("tasks", [{key: tree[key] for key in OF_TASK if key in tree}])
    if not isinstance(tasks, list) or not tasks:
        raise ArgumentError("expected at least one of [[tasks]]", where=f"{path}, tasks")
    limits = {
        key: _number(tree[key], f"{path}, {key}") for key in ("seconds", "gigabytes") if key in tree
    }
    seed = tree.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise ArgumentError(f"expected a whole number, got {seed!r}", where=f"{path}, seed")
    title = str(tree.get("title", path.stem))
    return Assignment(title, [_task(each, path) for each in tasks], seed, **limits)


def _task(tree: Any, path: Path) -> Task:
    if not isinstance(tree, dict) or not isinstance(tree.get("class"), str):
        raise ArgumentError(
            'expected the name of the class that is asked for, as in class = "Tanh"',
            where=f"{path}, class",
        )
    where = f"{path}, {tree['class']}"
    _check_keys(tree, OF_TASK, where)
    reference = tree.get("reference")
    if reference is not None:
        file, colon, name = str(reference).partition(":")
        if not colon or not name or not (path.parent / file).is_file():
            raise ArgumentError(
                f"expected the solution as FILE.py:CLASS, beside the assignment, got {reference!r}",
                where=f"{where}, reference",
            )
        reference = f"{path.parent / file}:{name}"
    points = tree.get("points", {})
    if not isinstance(points, dict):
        raise ArgumentError(
            "expected points by check, as in points = { input_gradient = 4 }",
            where=f"{where}, points",
        )
    worth = {name: _number(value, f"{where}, points.{name}") for name, value in points.items()}
    examples = tree.get("examples")
    if examples is not None:
        if not isinstance(examples, list) or not all(isinstance(each, dict) for each in examples):
            raise ArgumentError("expected a list of tables", where=f"{where}, examples")
        for each in examples:
            _check_keys(each, OF_EXAMPLE, f"{where}, examples")
    return Task(tree["class"], tree.get("kind"), reference, worth, examples)


def _check_keys(tree: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key in tree:
        if key not in known:
            raise ArgumentError(
                f"there is no key {key!r}.{suggest(key, list(known))} Keys are: {', '.join(known)}",
                where=where,
            )


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        raise ArgumentError(f"expected a number above 0, got {value!r}", where=where)
    return float(value)
