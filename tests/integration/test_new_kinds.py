"""``minidl new --kind``: what it writes works as it is, for every kind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from minidl_plugins_devkit.template.kind import KINDS

from .environments import clean_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
ACME = [path.name for path in (ROOT / "examples").glob("acme-*")]  # they may be installed here


class Projects:
    """A new package of each kind in `folder`, all installed into one more folder of the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / "site"
        self.variables = {
            **clean_variables(folder),
            "MINIDL_DISABLE": ",".join(ACME),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(self.site),
        }

    def path(self, kind: str) -> Path:
        return self.folder / f"zeta-{kind}"

    def python(self, *arguments: str, cwd: Path | None = None) -> str:
        """What Python prints; it must exit with 0."""
        return run([sys.executable, *arguments], cwd or self.folder, self.variables)


def run(command: list[str], folder: Path, variables: Mapping[str, str] = os.environ) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(variables),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Projects:
    made = Projects(tmp_path_factory.mktemp("new"))
    for kind in KINDS:
        made.python("-m", "minidl_core", "new", f"zeta-{kind}", "--kind", kind)
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target")
    made.python(*pip, str(made.site), *(str(made.path(kind)) for kind in KINDS))
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_passes_its_own_tests(projects: Projects, kind: str) -> None:
    out = projects.python("-m", "pytest", "-p", "no:cacheprovider", cwd=projects.path(kind))
    assert " passed in " in out.splitlines()[-1]
    assert "skipped" not in out


def test_the_kit_accepts_new_components(projects: Projects) -> None:
    checked = sorted(KINDS.keys() - {"observer"})  # which is no component
    out = projects.python("-m", "minidl_core", "check", *(f"zeta-{kind}" for kind in checked))
    assert [line.partition(":")[0] for line in out.splitlines()] == [
        f"{KINDS[kind].name} (zeta-{kind} 0.1.0)" for kind in checked
    ]
    assert "failed" not in out


def test_help_imports_no_tensor_library(projects: Projects) -> None:
    program = (
        "import sys\nfrom minidl_core.command import main\ntry:\n    main(['--help'])\n"
        "except SystemExit as exit:\n    assert not exit.code\n"
        "assert 'zeta_command.census' in sys.modules\nassert 'torch' not in sys.modules"
    )
    assert "Count the installed components of each kind." in projects.python("-c", program)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_is_found_and_imports_nothing(projects: Projects, kind: str) -> None:
    group, name, module = KINDS[kind].group, KINDS[kind].name, KINDS[kind].module
    package, export = f"zeta_{kind}", KINDS[kind].export or KINDS[kind].attribute
    program = (
        "import sys\nfrom minidl_core import registry\n"
        f"import {package}\n"
        f"(here,) = [d for d in registry.distributions() if d.name == 'zeta-{kind}']\n"
        "print(*(f'{p.group} {p.name}' for p in here.entry_points), here.problems)\n"
        f"assert not [m for m in sys.modules if m == 'torch' or m.startswith('{package}.')]\n"
        f"assert {package}.__all__ == ['{export}']\nassert {package}.{export} is not None\n"
        f"assert '{package}.{module}' in sys.modules"
    )
    assert projects.python("-c", program) == f"{group} {name} []\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_is_tidy(projects: Projects, kind: str) -> None:
    """By the rules of this repository, as a project of its own."""
    rules = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    table = rules.partition("[tool.ruff]")[2].partition("[tool.mypy]")[0]
    lines = table.replace("[tool.ruff.", "[").splitlines()
    here = [line for line in lines if not line.startswith("src = ")]  # ruff's own default fits
    (projects.path(kind) / "ruff.toml").write_text("\n".join(here), encoding="utf-8")
    for command in (["format", "--check"], ["check"]):
        run([sys.executable, "-m", "ruff", *command, "--no-cache", "."], projects.path(kind))
