"""The house as the sources draw it: sizes, import circles, and whose names a distribution uses."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = sorted(path.parent for path in ROOT.glob("minidl_*/pyproject.toml"))
CORE = ROOT / "minidl_core" / "src" / "minidl_core"
# Modules that are public beside the root of their package.
PUBLIC = {"minidl_core.console", "minidl_core.testing"}
MOST_LINES, MOST_CODE, LONGEST_FILE = 2450, 1514, 220


@functools.cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def sources(distribution: Path) -> list[Path]:
    return sorted((distribution / "src").rglob("*.py"))


def module_of(file: Path) -> str:
    parts = file.with_suffix("").parts
    parts = parts[parts.index("src") + 1 :]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(file: Path) -> Iterator[str]:
    """Every module that `file` imports from, also for type checkers and inside functions."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def code_lines(file: Path) -> int:
    """Lines that are neither empty, nor a comment, nor of a docstring."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    prose: set[int] = set()
    for node in ast.walk(tree_of(file)):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            first = node.body[0]
            prose.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
    return sum(n not in prose and line.strip()[:1] not in ("", "#") for n, line in lines)


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, or nothing."""
    done: set[str] = set()

    def search(module: str, above: list[str]) -> list[str]:
        if module in above:
            return above[above.index(module) :]
        if module in done:
            return []
        found = next((c for m in sorted(graph[module]) if (c := search(m, [*above, module]))), [])
        done.add(module)
        return found

    return next((circle for module in sorted(graph) if (circle := search(module, []))), [])


def test_the_core_keeps_its_budget() -> None:
    files = sources(ROOT / "minidl_core")
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert sum(lines.values()) <= MOST_LINES
    assert sum(map(code_lines, files)) <= MOST_CODE
    assert {file.name: count for file, count in lines.items() if count > LONGEST_FILE} == {}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda path: path.name)
def test_no_modules_import_each_other(distribution: Path) -> None:
    files = {module_of(file): file for file in sources(distribution)}
    graph = {
        module: {name for name in imports_of(file) if name in files and name != module}
        for module, file in files.items()
        if file.name != "__init__.py"  # these name the modules below them for type checkers
    }
    graph = {module: names & graph.keys() for module, names in graph.items()}
    assert circle_in(graph) == []


def test_a_circle_would_be_found() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda path: path.name)
def test_distributions_use_only_public_names_of_others(distribution: Path) -> None:
    others = {path.name for path in DISTRIBUTIONS} - {distribution.name}
    private = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in sources(distribution)
        for name in imports_of(file)
        if name.split(".")[0] in others and "." in name and name not in PUBLIC
    }
    assert private == set()


def test_the_core_imports_no_tensor_library() -> None:
    running = set()
    for file in sources(ROOT / "minidl_core"):
        for node in ast.walk(tree_of(file)):
            typing_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            if typing_only:
                assert isinstance(node, ast.If)
                node.body.clear()
        running |= {name for name in imports_of(file) if name.split(".")[0] in ("torch", "numpy")}
    tree_of.cache_clear()
    assert running == set()
