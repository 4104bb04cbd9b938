"""No runtime source of ours uses autograd: every gradient is written by hand.

Reads the sources and imports nothing. ``tensor.backward()`` cannot be told from a module's
``backward``, so what is looked for is everything that could make it mean anything.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for pattern in ("minidl_*/src/**/*.py", "examples/**/*.py")
    for path in ROOT.glob(pattern)
    if "tests" not in path.relative_to(ROOT).parts
)

# Names that mean autograd wherever they appear; each is also refused as the end of a dotted path.
NAMES = {
    "autograd",
    "enable_grad",
    "functorch",
    "grad_fn",
    "requires_grad_",
    "retain_grad",
}
# What torch builds upon autograd.
PATHS = ("torch.nn", "torch.optim", "torch.func")
# The functions of torch.nn build nothing, and these hooks only watch for what is recorded.
ALLOWED = (
    "torch.nn.functional",
    "torch.autograd.graph.saved_tensors_hooks",
    "torch.nn.utils.rnn.PackedSequence",  # a named tuple of tensors
)
# What turns models into those of torch.nn and back names their classes, says which parameters are
# trained, and computes nothing.
CONVERTING = {"exporting.py", "torch_arguments.py", "torch_twins.py"}
CLASSES = ("torch.nn.Module", "torch.nn.Sequential", "own.requires_grad_")
# Off is welcome, whether passed or assigned.
SWITCHES = {"requires_grad", "set_grad_enabled", "inference_mode"}


def uses_of_autograd(source: str) -> Iterator[str]:
    """Each use of autograd in `source`, as ``line: code``."""
    tree = ast.parse(source)
    aliases = dict(_aliases(tree))
    for node in ast.walk(tree):
        if any(_refused(path) for path in _paths(node, aliases)) or _switches_on(node):
            yield f"{getattr(node, 'lineno', '?')}: {ast.unparse(node)}"


def _aliases(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What each imported name stands for: ``nn`` for ``torch.nn``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    yield alias.asname, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _paths(node: ast.AST, aliases: dict[str, str]) -> list[str]:
    """The dotted paths that `node` names, imports, or looks up by a string."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Attribute | ast.Name):
        head, dot, rest = ast.unparse(node).partition(".")
        return [aliases.get(head, head) + dot + rest]
    if isinstance(node, ast.Call) and _called(node) in {"getattr", "import_module", "__import__"}:
        return [str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)]
    return []


def _refused(path: str) -> bool:
    if path == "torch.nn" or _within(path, ALLOWED):  # torch.nn: the way to what is allowed
        return False
    return bool(NAMES & set(path.split("."))) or _within(path, PATHS)


def _within(path: str, parents: tuple[str, ...]) -> bool:
    return any(f"{path}.".startswith(f"{parent}.") for parent in parents)


def _switches_on(node: ast.AST) -> bool:
    """Whether `node` sets one of the switches to anything but the constant False."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        parts = [part for target in targets for part in ast.walk(target)]
        named = {part.attr for part in parts if isinstance(part, ast.Attribute)}
        return bool(named & SWITCHES) and not _is_false(node.value)
    if not isinstance(node, ast.Call):
        return False
    if any(k.arg in SWITCHES and not _is_false(k.value) for k in node.keywords):
        return True
    called = _called(node)
    if called == "setattr" and len(node.args) == 3 and isinstance(node.args[1], ast.Constant):
        return node.args[1].value in SWITCHES and not _is_false(node.args[2])
    mode = [*node.args, *(k.value for k in node.keywords)]
    if called == "set_grad_enabled":
        return not all(map(_is_false, mode))
    return called == "inference_mode" and any(map(_is_false, mode))


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def _is_false(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


# -- the sources -------------------------------------------------------------------------------


def test_the_sources_are_found() -> None:
    names = {path.name for path in SOURCES}
    assert {"training.py", "sequential.py", "linear.py", "mse_loss.py", "sgd.py"} <= names


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(ROOT)) for path in SOURCES])
def test_uses_no_autograd(path: Path) -> None:
    found = uses_of_autograd(path.read_text(encoding="utf-8"))
    if path.name in CONVERTING:
        found = (use for use in found if use.partition(": ")[2] not in CLASSES)
    assert list(found) == []


# -- the reader itself -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "x.requires_grad_()",
        "x.requires_grad_(True)",
        "x.requires_grad = True",
        "x.requires_grad = flag",
        "x.grad, x.requires_grad = 0, True",
        "torch.ones(3, requires_grad=True)",
        "torch.ones(3, requires_grad=flag)",
        "setattr(x, 'requires_grad', True)",
        "getattr(x, 'requires_grad_')()",
        "import torch.autograd",
        "from torch import autograd",
        "from torch.autograd import grad",
        "torch.autograd.grad(y, x)",
        "class Square(torch.autograd.Function): pass",
        "import_module('torch.autograd')",
        "importlib.import_module('torch.optim')",
        "from torch.autograd.graph import Node",
        "with torch.enable_grad(): pass",
        "from torch import enable_grad",
        "from torch import enable_grad as on",
        "torch.set_grad_enabled(True)",
        "torch.set_grad_enabled(mode)",
        "torch.set_grad_enabled(mode=True)",
        "with torch.inference_mode(False): pass",
        "y.grad_fn",
        "y.retain_grad()",
        "import torch.optim",
        "from torch.optim import SGD",
        "from torch.optim.lr_scheduler import StepLR",
        "torch.optim.SGD(p, 0.1)",
        "import torch as t\nt.optim.SGD(p, 0.1)",
        "from torch import optim",
        "class Net(torch.nn.Module): pass",
        "from torch import nn\nclass Net(nn.Module): pass",
        "import torch.nn as layers\nlayers.Linear(2, 3)",
        "from torch.nn import Parameter",
        "torch.nn.Parameter(x)",
        "from torch.func import vjp",
        "torch.func.grad(f)",
        "import functorch",
    ],
)
def test_the_reader_finds(source: str) -> None:
    assert list(uses_of_autograd(source))


@pytest.mark.parametrize(
    "source",
    [
        "if x.requires_grad: raise TypeError('the input has requires_grad=True')",
        "x.requires_grad_is_off = True",
        "x.requires_grad = False",
        "torch.ones(3, requires_grad=False)",
        "torch.set_grad_enabled(False)",
        "with torch.no_grad(): pass",
        "with torch.inference_mode(): pass",
        "torch.nn.functional.relu(x)",
        "from torch.nn import functional as F",
        "from torch.nn.functional import relu",
        "from torch import nn\nnn.functional.relu(x)",
        "model.backward(loss.backward())",
        "parameter.grad += dy.mT @ x",
        '"""Agrees with torch.autograd, and with torch.optim.SGD."""',
        "# torch.autograd",
        "optim.SGD(p, 0.1)",
        "Example({'lr': 0.1}, reference='torch.optim.SGD')",
        "from torch.autograd.graph import saved_tensors_hooks\nsaved_tensors_hooks(pack, unpack)",
        "torch.function",
    ],
)
def test_the_reader_lets_pass(source: str) -> None:
    assert list(uses_of_autograd(source)) == []
