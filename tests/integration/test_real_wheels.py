"""The rules of discovery, over real wheels that pip installs, by what ``minidl`` then prints.

tests/core/discovery has every rule, over metadata laid out by hand; here are those that matter most
to a user, with nothing laid out by hand but the contents of the wheels.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .wheelhouse import write_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .environments import Environment

LAYER = """
class {name}:
    training = True
    def forward(self, *inputs): return inputs
    def backward(self, *grads): return grads
    def param(self): return []
    def info(self): print("{name} of {module}")
    def train(self): pass
    def eval(self): pass
"""
# Whoever imports it leaves a trace, in the folder that TRACES names.
TRACE = """
import os, pathlib
if "TRACES" in os.environ:
    pathlib.Path(os.environ["TRACES"], __name__).touch()
"""
# Torch takes longer to import than all else here together, and no rule needs our layers.
WITHOUT_OURS = {"MINIDL_DISABLE": "minidl-plugins-basic"}


def layer_wheel(
    folder: Path, distribution: str, name: str, version: str = "1.0", requires: tuple[str, ...] = ()
) -> str:
    """A wheel with one good layer, in a module that is named after the distribution."""
    module = distribution.replace("-", "_")
    source = TRACE + LAYER.format(name=name, module=module)
    points = {"minidl.modules": {name: f"{module}:{name}"}}
    files = {f"{module}.py": source}
    wheel = write_wheel(
        folder, distribution, version, files, requires=requires, entry_points=points
    )
    return str(wheel)


BROKEN = {
    "acme_absent": "import no_such_library\n",
    "acme_exits": "raise SystemExit('I would rather not')\n",
    "acme_function": "def Function(): ...\n",
    "acme_half": LAYER.format(name="Half", module="").replace("backward", "backwards"),
    "acme_syntax": "class Syntax(:\n",
    "acme_typo": LAYER.format(name="Tyop", module=""),
}
HOOKS = """
from minidl_core import hookimpl

@hookimpl
def minidl_cheks(): ...

@hookimpl
def minidl_checks(kind): ...
"""


@pytest.fixture(scope="class")
def zoo(
    environment_of_all: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """An environment with everything that can be wrong, and two layers that are not."""
    folder = tmp_path_factory.mktemp("zoo")
    names = {"absent": "Absent", "exits": "Exits", "function": "Function"}
    names |= {"half": "Half", "syntax": "Syntax", "typo": "Typo"}
    points = {
        "minidl.modules": {name: f"acme_{module}:{name}" for module, name in names.items()},
        "minidl": {"hooks": "acme_exits"},
    }
    files = {f"{module}.py": TRACE + source for module, source in BROKEN.items()}
    hooks = {"minidl": {"hooks": "acme_hooks"}}
    wheels = [
        layer_wheel(folder, "acme-good", "Good"),
        write_wheel(folder, "acme-broken", "0.3", files, entry_points=points),
        write_wheel(folder, "acme-hooks", "2.0", {"acme_hooks.py": HOOKS}, entry_points=hooks),
        layer_wheel(folder, "acme-linear", "Twice"),
        layer_wheel(folder, "zeta-linear", "Twice"),
        layer_wheel(folder, "acme-future", "Future", requires=("minidl-core>=99",)),
    ]
    for environment in environment_of_all.as_it_was():
        environment.pip("install", "--no-deps", *map(str, wheels))
        yield environment


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """The names of the zoo's modules that were imported, as files."""
    (tmp_path / "traces").mkdir()
    return tmp_path / "traces"


def imported(traces: Path) -> set[str]:
    return {file.name for file in traces.iterdir()}


def parsed(text: str) -> Any:
    """The JSON on stdout, without what is on stderr after it."""
    return json.JSONDecoder().raw_decode(text)[0]


class TestAZooOfWheels:
    def test_is_listed_whole_without_an_import(self, zoo: Environment, traces: Path) -> None:
        rows = parsed(zoo.minidl("list", "modules", "--json", TRACES=str(traces)))
        found = {(row["distribution"], row["name"]) for row in rows}
        assert {
            ("acme-good", "Good"),
            ("acme-broken", "Syntax"),
            ("acme-linear", "Twice"),
            ("zeta-linear", "Twice"),
            ("acme-future", "Future"),
            ("minidl-plugins-basic", "Linear"),
        } <= found
        assert len(found) == len(rows) == 4 + 6 + 4
        zoo.minidl("plugins", TRACES=str(traces))
        assert imported(traces) == set()

    def test_a_lookup_imports_one_module_and_no_other(self, zoo: Environment, traces: Path) -> None:
        program = "from minidl_core import registry; registry.create('modules', 'Good').info()"
        out = zoo.run("python", "-W", "error", "-c", program, TRACES=str(traces)).stdout
        assert out == "Good of acme_good\n"
        assert imported(traces) == {"acme_good"}

    def test_describe_says_where_a_component_comes_from(self, zoo: Environment) -> None:
        out = zoo.minidl("describe", "Good")
        assert "distribution: acme-good\nversion:      1.0\nentry point:  acme_good:Good" in out
        assert f"file:         {zoo.site / 'acme_good.py'}" in out

    @pytest.mark.parametrize(
        ("name", "cause"),
        [
            ("Absent", "No module named 'no_such_library'; install the missing no_such_library"),
            ("Exits", "SystemExit: I would rather not"),
            ("Function", "must be a class, got function"),
            ("Half", "it lacks backward; modules must have backward, eval, forward, "),
            ("Syntax", "SyntaxError: invalid syntax"),
            ("Typo", "module 'acme_typo' has no attribute 'Typo'"),
        ],
    )
    def test_a_broken_component_is_an_error_with_its_cause(
        self, zoo: Environment, name: str, cause: str
    ) -> None:
        out = zoo.minidl("describe", name, expect=1)
        assert cause in out
        assert f"acme-broken 0.3, acme_{name.lower()}" in out or "of acme-broken 0.3 cannot" in out

    def test_help_imports_nothing_that_is_broken(self, zoo: Environment, traces: Path) -> None:
        done = zoo.run("minidl", "--help", TRACES=str(traces))
        assert "Commands:\n  check" in done.stdout
        assert done.stderr == ""
        assert imported(traces) == set()

    def test_hooks_that_do_not_fit_are_told_once(self, zoo: Environment) -> None:
        told = zoo.run("minidl", "check", "Good", expect=1, **WITHOUT_OURS).stderr
        assert told.count("plugin left out: ") == 3
        assert '"hooks" of acme-broken 0.3 cannot be imported' in told
        assert "acme-hooks/hooks: there is no hook minidl_cheks. Did you mean" in told
        assert "minidl_checks of acme-hooks/hooks: the hook has no argument kind." in told

    def test_doctor_tells_every_problem_with_its_cure(self, zoo: Environment) -> None:
        problems = parsed(zoo.minidl("doctor", "--json", expect=1, **WITHOUT_OURS))
        assert {problem["subject"] for problem in problems} == {
            *(f"acme-broken/{name.partition('_')[2].title()}" for name in BROKEN),
            "acme-future 1.0",
            "hooks",
            "no_such_library",
            "Twice",
        } - {"acme-broken/Absent"}  # which lacks that library
        assert all(problem["cause"] and problem["cure"] for problem in problems)
        assert "acme-broken/Syntax" in zoo.minidl("doctor", expect=1, **WITHOUT_OURS)

    def test_a_disabled_distribution_is_listed_and_never_imported(
        self, zoo: Environment, traces: Path
    ) -> None:
        variables = {"TRACES": str(traces), "MINIDL_DISABLE": "Acme_Broken, minidl-plugins-basic"}
        rows = parsed(zoo.minidl("list", "--json", **variables))
        disabled = {row["distribution"] for row in rows if row["unavailable"] == "disabled"}
        assert disabled == {"acme-broken", "minidl-plugins-basic"}
        problems = parsed(zoo.minidl("doctor", "--json", expect=1, **variables))
        assert not [problem for problem in problems if "acme-broken" in str(problem)]
        assert imported(traces) == {"acme_good", "acme_linear", "zeta_linear"}
        out = zoo.minidl("--disable", "acme-good", "describe", "Good", expect=1)
        assert '"Good" is installed, but not available (acme-good 1.0: disabled)' in out

    def test_an_incompatible_distribution_says_why_and_is_not_imported(
        self, zoo: Environment, traces: Path
    ) -> None:
        out = zoo.minidl("describe", "Future", expect=1, TRACES=str(traces))
        assert "acme-future 1.0: incompatible: requires minidl-core>=99, but minidl-core is" in out
        assert "acme_future" not in imported(traces)

    def test_a_name_that_two_claim_is_settled_by_the_user(self, zoo: Environment) -> None:
        out = zoo.minidl("describe", "Twice", expect=1)
        assert "claimed by acme-linear 1.0 (acme_linear:Twice), zeta-linear 1.0" in out
        assert 'write "acme-linear/Twice" or "zeta-linear/Twice", or prefer' in out
        assert "distribution: zeta-linear" in zoo.minidl("describe", "zeta-linear/Twice")
        preferred = zoo.minidl("describe", "Twice", MINIDL_PREFER="Zeta_Linear/Twice")
        assert "distribution: zeta-linear" in preferred
        alone = zoo.minidl("--disable", "zeta-linear", "describe", "Twice")
        assert "distribution: acme-linear" in alone


# -- installing and uninstalling ---------------------------------------------------------------


LIVES = """
import sys
from minidl_core import registry
for line in sys.stdin:
    if line.strip() == "refresh":
        registry.refresh()
    versions = [str(c.distribution) for c in registry.components() if c.name == "Good"]
    print(*versions or ["none"], flush=True)
"""


def test_a_process_that_lives_sees_installs_and_uninstalls_after_refresh(
    environment: Environment, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [environment.bin / "python", "-c", LIVES],
        env=environment.variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(what: str) -> str:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{what}\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        assert ask("look") == "none"
        environment.pip("install", layer_wheel(tmp_path, "acme-good", "Good", "1.0"))
        assert ask("look") == "none"
        assert ask("refresh") == "acme-good 1.0"
        environment.pip("install", layer_wheel(tmp_path, "acme-good", "Good", "2.0"))
        assert ask("look") == "acme-good 1.0"
        assert ask("refresh") == "acme-good 2.0"
        environment.pip("uninstall", "--yes", "acme-good")
        assert ask("refresh") == "none"
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_metadata_that_an_upgrade_left_behind_is_told_and_not_listed(
    environment: Environment, tmp_path: Path
) -> None:
    environment.pip("install", layer_wheel(tmp_path, "acme-good", "Good", "1.9"))
    info = environment.site / "acme_good-1.9.dist-info"
    shutil.copytree(info, tmp_path / "left-behind")
    environment.pip("install", layer_wheel(tmp_path, "acme-good", "Good", "1.10"))
    shutil.copytree(tmp_path / "left-behind", info)
    try:
        listed = environment.minidl("list", "modules")
        assert listed.count("acme-good") == 1
        assert "acme-good 1.10" in listed
        out = environment.minidl("doctor", expect=1, **WITHOUT_OURS)
        assert f"{info} is metadata of the same distribution, hidden by" in out
    finally:
        shutil.rmtree(info)


# -- what `minidl new` writes ------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_new(
    environment_of_all: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Environment, Path]]:
    """Two packages that ``minidl new`` wrote, untouched: acme-layers built and installed from its
    wheel, zeta-layers editable.
    """
    folder = tmp_path_factory.mktemp("new")
    for environment in environment_of_all.as_it_was():
        for name in ("acme-layers", "zeta-layers"):
            environment.minidl("new", str(folder / name))
        paths = (str(folder / "acme-layers"), "--editable", str(folder / "zeta-layers"))
        environment.pip("install", "--no-build-isolation", *paths)
        yield environment, folder


def test_two_new_packages_are_each_listed_once_also_the_editable_one(
    two_new: tuple[Environment, Path],
) -> None:
    environment, folder = two_new
    rows = [line.split() for line in environment.minidl("list", "modules").splitlines()]
    assert [row for row in rows if row[1] == "PReLU"] == [
        ["modules", "PReLU", "acme-layers", "0.1.0"],
        ["modules", "PReLU", "zeta-layers", "0.1.0"],
    ]
    plugins = parsed(environment.minidl("plugins", "--json"))
    assert [plugin["distribution"] for plugin in plugins] == [
        *("acme-layers", "minidl-core", "minidl-plugins-basic", "minidl-plugins-devkit"),
        "zeta-layers",
    ]
    assert not [plugin for plugin in plugins if plugin["problems"]]
    files = [
        parsed(environment.minidl("describe", f"{name}/PReLU", "--json"))[0]["file"]
        for name in ("acme-layers", "zeta-layers")
    ]
    assert Path(files[0]).is_relative_to(environment.site.resolve())
    assert Path(files[1]).is_relative_to(folder.resolve())


def test_two_new_packages_share_one_name_and_doctor_says_how_to_choose(
    two_new: tuple[Environment, Path],
) -> None:
    environment, _ = two_new
    (problem,) = parsed(environment.minidl("doctor", "--json", expect=1))
    assert problem["subject"] == "PReLU"
    assert "claimed by acme-layers 0.1.0" in problem["cause"]
    preferred = {"MINIDL_PREFER": "zeta-layers/PReLU"}
    assert "Everything is well" in environment.minidl("doctor", **preferred)


def test_a_new_package_passes_the_kit_and_its_own_tests(
    two_new: tuple[Environment, Path],
) -> None:
    environment, folder = two_new
    out = environment.minidl("check", "acme-layers", "zeta-layers")
    for name in ("acme-layers", "zeta-layers"):
        assert f"PReLU ({name} 0.1.0): " in out
    assert "failed" not in out
    out = environment.run("pytest", cwd=folder / "zeta-layers").stdout
    assert " passed in " in out.splitlines()[-1]
    assert "skipped" not in out


def test_a_new_package_is_tidy(two_new: tuple[Environment, Path]) -> None:
    """By the rules of this repository, as a project of its own."""
    project = two_new[1] / "zeta-layers"
    rules = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    table = rules.partition("[tool.ruff]")[2].partition("[tool.mypy]")[0]
    lines = table.replace("[tool.ruff.", "[").splitlines()
    here = [line for line in lines if not line.startswith("src = ")]  # ruff's own default fits
    (project / "ruff.toml").write_text("\n".join(here), encoding="utf-8")
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=project,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
