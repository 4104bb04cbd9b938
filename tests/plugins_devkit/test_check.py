"""``minidl check``: what it takes, what it runs, and what it prints."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from minidl_core import MinidlError, Registry
from minidl_plugins_devkit.commands.check import command

RIGHT = """
from minidl_core import BaseModule
class Double(BaseModule):
    def forward(self, x):
        self.push(None)
        return 2 * x
    def backward(self, grad_output):
        self.pop()
        return 2 * grad_output
"""
WRONG = RIGHT.replace("return 2 * grad_output", "return 3 * grad_output")
CRASHES = RIGHT.replace("return 2 * x", "return x @ x")

# A kind of a stranger's, a component of it, and a check for both it and modules.
KIND = """
from abc import abstractmethod
from typing import Protocol
class Schedule(Protocol):
    @abstractmethod
    def factor(self, step): ...
class Halving:
    def factor(self, step): return 0.5 ** step
class Rising:
    def factor(self, step): return float(step + 1)
class Nothing: pass
"""
HOOK = """
from minidl_core import hookimpl
def never_rises(case):
    '''The factor never rises.'''
    from minidl_plugins_devkit import ConformanceError
    schedule = case.construct()
    if schedule.factor(1) > schedule.factor(0):
        raise ConformanceError("the factor rises")
    return "two steps only"
def has_a_short_name(case):
    from minidl_plugins_devkit import ConformanceError
    if len(type(case.build().module).__name__) > 6:
        raise ConformanceError("the name is long")
@hookimpl
def minidl_checks():
    return {"schedules": [never_rises], "modules": [has_a_short_name]}
"""


@pytest.fixture
def check(site):
    """Run ``minidl check`` over `site`; its output, and the exit status that it must have."""
    devkit = {"minidl.hookspecs": {"devkit": "minidl_plugins_devkit.hookspecs"}}
    site.install("minidl-plugins-devkit", devkit)

    def run(*arguments, expect=0):
        registry = Registry([str(site.folder)])
        done = CliRunner().invoke(command, list(arguments), obj=registry)
        if isinstance(done.exception, MinidlError):
            return f"Error: {done.exception}"
        assert done.exit_code == expect, done.output
        return done.output

    return run


def install(site, name, source, cls="Double"):
    module = name.replace("-", "_")
    site.install(name, {"minidl.modules": {cls: f"{module}:{cls}"}}, {module: source})


def test_a_right_component_passes(check, site):
    install(site, "acme", RIGHT)
    assert check("Double") == check("acme") == check("acme/Double")
    assert check("acme").startswith("Double (acme 1.0): ")
    assert check("acme").endswith(" passed\n")


def test_a_wrong_component_fails_and_is_explained(check, site):
    install(site, "acme", WRONG)
    out = check("acme", expect=1)
    assert "failed: input_gradient" in out
    assert "usual cause: it is 1.5 times the right one" in out


def test_a_crash_is_told_once(check, site):
    install(site, "acme", CRASHES)
    out = check("acme", expect=1)
    assert out.count("RuntimeError where none is expected") == 1
    assert "acme.py:6, in forward: return x @ x\n    with x (4, 3)" in out
    assert "more checks stop at the same place: " in out


def test_a_component_that_cannot_be_loaded_fails(check, site):
    install(site, "acme", "raise OSError('no luck')")
    assert "failed: load" in check("acme", expect=1)


def test_an_unknown_name_gets_a_suggestion(check, site):
    install(site, "acme", RIGHT)
    assert 'Did you mean "Double"?' in check("Duoble")


def test_json_has_every_result(check, site):
    install(site, "acme", WRONG)
    results = json.loads(check("acme", "--json", expect=1))
    assert {result["kind"] for result in results} == {"modules"}
    failed = {result["check"] for result in results if result["status"] == "failed"}
    assert "input_gradient" in failed


def test_several_names_are_checked_once_each(check, site):
    install(site, "acme", RIGHT)
    assert check("acme", "Double") == check("acme")


# -- files -------------------------------------------------------------------------------------


def test_a_class_in_a_file_is_checked(check, tmp_path):
    file = tmp_path / "student.py"
    file.write_text(WRONG)
    out = check(f"{file}:Double", expect=1)
    assert out.startswith(f"Double ({file}:Double): ")
    assert "failed: input_gradient" in out


def test_a_file_alone_is_every_component_in_it(check, tmp_path):
    file = tmp_path / "homework.py"
    source = f"{WRONG}\n{RIGHT.replace('Double', 'Twice')}\n"
    helpers = """
class Helper:
    pass


class _Base(BaseModule):
    def forward(self, x): ...


class Half:
    def forward(self, x): ...
"""
    file.write_text(source + helpers, encoding="utf-8")
    out = check(f"{file}", expect=1)
    assert f"Double ({file}:Double): " in out
    assert f"Twice ({file}:Twice): " in out
    assert f"Half ({file}:Half): 1 failed" in out
    assert "expected a class with forward and backward" in out
    assert out.count("homework.py:") == 3


def test_equal_failures_of_examples_are_told_once(check, tmp_path):
    (tmp_path / "student.py").write_text(
        """
from minidl_core import BaseModule, Example

class Tanh(BaseModule):
    def forward(self, x):
        self.push(x)
        return x.tanh()

    def backward(self, grad_output):
        x = self.pop()
        return grad_output * (1 - x * x)

    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3)]), Example(shapes=[(2, 5)]), Example(shapes=[(3, 4, 2)])]
""",
        encoding="utf-8",
    )
    out = check(f"{tmp_path / 'student.py'}:Tanh", expect=1)
    assert out.count("failed: input_gradient") == 1
    assert "example 0, Tanh() on (4, 3):" in out
    assert "    the same in examples 1, 2\n" in out


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        pytest.param(
            RIGHT, ":Duoble", 'Did you mean "Double"? It has: BaseModule, Double', id="class"
        ),
        pytest.param("x = 3", "", "defines no class with forward, backward or step", id="no class"),
        pytest.param("raise OSError('no')", ":Double", "cannot be run: OSError: no", id="breaks"),
        pytest.param(None, ":Double", "there is no file", id="no file"),
        pytest.param("Double = 3", ":Double", "has no class 'Double'", id="no class there"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(check, tmp_path, source, name, expected):
    file = tmp_path / "student_2.py"
    if source is not None:
        file.write_text(source)
    assert expected in check(f"{file}{name}")


# -- a stranger's kind and checks --------------------------------------------------------------


def stranger(site, components, hook=HOOK):
    points = {
        "minidl.kinds": {"schedules": "acme_kind:Schedule"},
        "minidl.schedules": {name: f"acme_kind:{name}" for name in components},
        "minidl": {"checks": "acme_checks"},
    }
    site.install("acme-kind", points, {"acme_kind": KIND, "acme_checks": hook})


def test_components_of_a_strangers_kind_get_its_checks(check, site):
    stranger(site, ["Halving", "Rising"])
    assert "Halving (acme-kind 1.0): 2 passed" in check("Halving")
    out = check("Rising", expect=1)
    assert "failed: never_rises" in out
    assert "the factor rises" in out


def test_a_strangers_check_of_modules_is_run(check, site):
    stranger(site, [])
    install(site, "acme", RIGHT)
    install(site, "acme-long", WRONG.replace("Double", "Doubling"), "Doubling")
    assert "passed" in check("Double")
    assert "the name is long" in check("Doubling", expect=1)


def test_a_kind_without_checks_is_held_to_its_contract(check, site):
    stranger(site, ["Halving", "Nothing"], hook="")
    assert "Halving (acme-kind 1.0): 1 passed" in check("Halving")
    assert "lacks factor" in check("Nothing", expect=1)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param("3", "must return a mapping of kinds to functions, got int", id="number"),
        pytest.param("{'modules': 3}", "must return a mapping", id="no list"),
        pytest.param("{'modules': [layout]}", "the check layout of acme-kind", id="taken name"),
        pytest.param("1 / 0", "ZeroDivisionError", id="raises"),
    ],
)
def test_unusable_added_checks_are_skipped_and_told(check, site, answer, expected):
    hook = (
        "from minidl_core import hookimpl\ndef layout(case): 1 / 0\n"
        f"@hookimpl\ndef minidl_checks(): return {answer}\n"
    )
    stranger(site, [], hook)
    install(site, "acme", RIGHT)
    with pytest.warns(match=expected):
        assert "passed" in check("Double")
