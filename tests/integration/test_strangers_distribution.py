"""examples/acme-nets, a stranger's distribution: as its author sees it, and as its users do."""

from __future__ import annotations

import ast
import shutil
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

import minidl_core
from minidl_core import Sequential, train
from minidl_plugins_basic import Linear, stack, unstack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .environments import Environment

EXAMPLES = Path(__file__).parents[2] / "examples"
PROJECT = EXAMPLES / "acme-nets"
SOURCES = sorted(PROJECT.glob("src/**/*.py"))

COMPONENTS = [
    ["losses", "HuberLoss"],
    ["modules", "Residual"],
    ["modules", "Swish"],
    ["optimizers", "Adam"],
    ["optimizers", "Lion"],
]


@pytest.fixture(scope="module")
def installed(environment_of_all: Environment) -> Iterator[Environment]:
    """The environment with the wheel of acme-nets in it, and nothing of the tree."""
    for environment in environment_of_all.as_it_was():
        environment.pip("install", "acme-nets")
        yield environment


def imports(source: str) -> Iterator[tuple[str, str]]:
    """Each imported module, and the name that is imported from it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or ".", alias.name) for alias in node.names)


# -- the source --------------------------------------------------------------------------------


def test_the_sources_are_found() -> None:
    assert {"swish.py", "residual.py", "huber_loss.py", "adam.py"} <= {f.name for f in SOURCES}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_it_imports_the_public_names_of_the_core_and_nothing_else_of_ours(path: Path) -> None:
    for module, name in imports(path.read_text(encoding="utf-8")):
        top = module.partition(".")[0]
        if top == "minidl_core":
            assert module == "minidl_core"
            assert name in minidl_core.__all__
        else:
            assert top in {"acme_nets", "torch"} or top in sys.stdlib_module_names


def test_its_files_are_those_that_minidl_new_writes(
    environment: Environment, tmp_path: Path
) -> None:
    environment.minidl("new", str(tmp_path / "acme-nets"))
    template = {path.relative_to(tmp_path / "acme-nets") for path in tmp_path.rglob("*.*")}
    replaced = {Path("src/acme_nets/prelu.py")}
    assert not [path for path in template - replaced if not (PROJECT / path).exists()]
    for name in ("tox.ini", ".gitignore"):
        assert (PROJECT / name).read_text() == (tmp_path / "acme-nets" / name).read_text()


# -- the wheel ---------------------------------------------------------------------------------


def test_the_wheel_has_the_package_and_its_types_and_no_tests(wheelhouse: Path) -> None:
    (wheel,) = wheelhouse.glob("acme_nets-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "acme_nets/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"acme_nets", "acme_nets-0.1.0.dist-info"}
    assert not [name for name in names if "test" in name]


def test_its_components_are_listed_beside_ours(installed: Environment) -> None:
    rows = [line.split() for line in installed.minidl("list").splitlines()]
    assert [row[:2] for row in rows if row[2:] == ["acme-nets", "0.1.0"]] == COMPONENTS
    row = installed.minidl("plugins").splitlines()[0]
    assert " ".join(row.split()) == (
        "acme-nets 0.1.0 1 hooks, 1 losses, 2 modules, 2 optimizers ok"
    )


def test_the_installed_wheel_passes_its_own_tests(installed: Environment, tmp_path: Path) -> None:
    """Conformance, torch's autograd as the oracle, and the hooks; outside of the tree."""
    shutil.copytree(PROJECT / "tests", tmp_path / "tests")
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    out = installed.run("pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path).stdout
    assert " passed in " in out.splitlines()[-1]
    assert "skipped" not in out


def test_the_disk_network_learns_with_its_components(
    installed: Environment, tmp_path: Path
) -> None:
    """By name alone: neither core nor basic plugins know of them."""
    script = str(EXAMPLES / "from_the_registry.py")
    arguments = ("Swish", "HuberLoss", "acme-nets/Adam", "--epochs", "30")
    out = installed.run("python", "-W", "error", script, *arguments).stdout
    assert out.count("| Swish, beta: 1.0\n") == 4
    test_error = float(out.splitlines()[-1].removeprefix("test error: ").rstrip("%"))
    assert test_error < 4


# -- with the basic plugins' stacks ------------------------------------------------------------


def test_training_a_stack_of_its_networks_is_training_each_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(PROJECT / "src")
    from acme_nets import Adam, HuberLoss, Residual, Swish

    generator = torch.Generator().manual_seed(0)

    def linear(fan_in: int, fan_out: int) -> Linear:
        return Linear(fan_in, fan_out, generator=generator, dtype=torch.float64)

    def network() -> Sequential:
        inner = Sequential(linear(4, 4), Swish(0.5, learned=True, dtype=torch.float64))
        return Sequential(linear(2, 4), Residual(inner, 0.2, dtype=torch.float64), linear(4, 1))

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def fit(model: Any, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> None:
        for _ in train(model, HuberLoss(0.5), optimizer, [(x, y)] * 20):
            pass

    alone = [network() for _ in range(3)]
    together = stack(alone)
    x, y = draw(3, 8, 2), draw(3, 8, 1)
    fit(together, stack([Adam(one.param(), lr=0.05) for one in alone]), x, y)
    for k, (one, unstacked) in enumerate(zip(alone, unstack(together), strict=True)):
        before = [parameter.value.clone() for parameter in one.param()]
        fit(one, Adam(one.param(), lr=0.05), x[k], y[k])
        for parameter, value, old in zip(one.param(), unstacked.param(), before, strict=True):
            torch.testing.assert_close(value.value, parameter.value, rtol=1e-9, atol=1e-11)
            assert not parameter.value.equal(old)
