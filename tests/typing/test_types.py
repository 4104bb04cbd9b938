"""What a type checker lets a user do, and what it stops."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner
from mypy import api

from minidl_core import Registry
from minidl_plugins_devkit.commands.new import command as new
from minidl_plugins_devkit.template.kind import KINDS

USER_PROGRAM = Path(__file__).with_name("user_program.py")

HEAD = """
from minidl_core import BaseModule, Loss, Module, Optimizer, registry
"""
# A class as its author wrote it, and what mypy says of it.
REFUSED = {
    "a module without backward": (
        """
class C:
    training: bool = True
    def forward(self, x: float) -> float: return x
    def param(self) -> list[object]: return []
    def info(self) -> None: ...
    def train(self) -> None: ...
    def eval(self) -> None: ...
module: Module = C()
""",
        "Incompatible types in assignment",
    ),
    "a module that leaves backward abstract": (
        """
class C(BaseModule):
    def forward(self, x: float) -> float: return x
C()
""",
        'Cannot instantiate abstract class "C" with abstract attribute "backward"',
    ),
    "an optimizer without its state": (
        """
class C:
    def zero_grad(self) -> None: ...
    def step(self) -> None: ...
optimizer: Optimizer = C()
""",
        "Incompatible types in assignment",
    ),
    "a loss taken for an optimizer": (
        'x: type[Optimizer] = registry.get("losses", "MSELoss")',
        "Incompatible types in assignment",
    ),
}


def mypy(*arguments: str) -> str:
    out, err, _ = api.run(["--strict", "--no-error-summary", *arguments])
    return out + err


def test_a_users_program_is_accepted_and_runs() -> None:
    assert mypy(str(USER_PROGRAM)) == ""
    assert runpy.run_path(str(USER_PROGRAM))["main"]() < 0.1


def test_every_new_package_is_accepted(tmp_path: Path) -> None:
    sources = []
    for kind in KINDS:
        project = tmp_path / f"zeta-{kind}"
        done = CliRunner().invoke(new, [str(project), "--kind", kind], obj=Registry([]))
        assert done.exit_code == 0, done.output
        sources.append(str(project / "src"))
    assert mypy(*sources) == ""


def test_what_the_registry_gives_has_the_type_of_its_kind() -> None:
    program = f"{HEAD}\nreveal_type(registry.get('losses', 'MSELoss'))"
    assert 'Revealed type is "type[minidl_core.protocols.Loss]"' in mypy("-c", program)


@pytest.mark.parametrize(("source", "complaint"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_is_refused(source: str, complaint: str) -> None:
    assert complaint in mypy("-c", HEAD + source)
