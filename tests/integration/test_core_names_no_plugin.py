"""The core points at nothing: its code names no component and no plugin distribution.

What the plugins provide is read from their own pyproject.toml files, so a new component is
looked for as soon as it is registered; a name in lower case (a data set's, such as "digits")
is a word that the core may use for itself. Docstrings and comments may name examples.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    pytest.skip("tomllib came with Python 3.11", allow_module_level=True)

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CORE = ROOT / "minidl_core" / "src" / "minidl_core"
# minidl_core.testing is the first name of the devkit's package, and says so.
SOURCES = sorted(file for file in CORE.rglob("*.py") if file != CORE / "testing.py")


def names_of_plugins() -> set[str]:
    names = set()
    for path in ROOT.glob("minidl_plugins_*/pyproject.toml"):
        project: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        names |= {project["name"], project["name"].replace("-", "_")}
        for group, points in project.get("entry-points", {}).items():
            if group.startswith("minidl."):
                names |= {name for name in points if not name.islower()}
    return names


def mentions(source: str, names: set[str]) -> Iterator[str]:
    """Each name among `names` that the code of `source` mentions, as ``line: name``."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, sorted(names)))})(?![\w-])")
    for node in ast.walk(tree):
        if id(node) in docstrings:
            continue
        for _, value in ast.iter_fields(node):  # identifiers and constants are plain strings here
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str):
                    line = getattr(node, "lineno", "?")
                    ours = re.sub(r"\btorch(\.\w+)+", "", text)  # torch.optim.SGD is torch's
                    yield from (f"{line}: {name}" for name in pattern.findall(ours))


def test_the_names_are_found() -> None:
    basic = {"Linear", "ReLU", "Tanh", "Sigmoid", "MSELoss", "SGD"}
    assert basic | {"minidl-plugins-basic", "minidl_plugins_basic"} <= names_of_plugins()


def test_the_sources_are_found() -> None:
    assert {"sequential.py", "training.py", "errors.py"} <= {path.name for path in SOURCES}


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(CORE)) for path in SOURCES])
def test_the_core_names_no_plugin(path: Path) -> None:
    assert list(mentions(path.read_text(encoding="utf-8"), names_of_plugins())) == []


@pytest.mark.parametrize(
    "source",
    [
        "isinstance(module, Linear)",
        "basic.Linear(2, 3)",
        "from minidl_plugins_basic import stack",
        "import minidl_plugins_basic.linear",
        "import minidl_plugins_basic as basic",
        "if name == 'ReLU': pass",
        "KNOWN = {'Linear': 1}",
        "raise ValueError('write Sequential(Linear(2, 25), ReLU())')",
        "raise ValueError(f'pip install minidl-plugins-basic=={version}')",
        "class SGD: pass",
        "def step(SGD): pass",
        "match module:\n    case Linear(): pass",
        "x = 1\n'''Linear, in a string that is no docstring'''",
    ],
)
def test_the_reader_finds(source: str) -> None:
    assert list(mentions(source, names_of_plugins()))


@pytest.mark.parametrize(
    "source",
    [
        '"""Sequential(Linear(2, 25), ReLU())"""',
        'def f():\n    """As SGD does."""',
        "class Layer:\n    '''Not Linear.'''",
        "x = 1  # as Linear does",
        "reference = 'torch.optim.SGD'",
        "digits = str(number)",
        "BiLinear, linear, Linear_2, SGDW",
        "'the minidl-plugins-basically project'",
    ],
)
def test_the_reader_lets_pass(source: str) -> None:
    assert list(mentions(source, names_of_plugins())) == []
