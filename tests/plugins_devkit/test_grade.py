"""``minidl grade``: many files, each in a process of its own, and none that stops the others."""

from __future__ import annotations

import csv
import json
import sys
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from minidl_core import ArgumentError
from minidl_plugins_devkit import run_checks
from minidl_plugins_devkit.commands.grade import command
from minidl_plugins_devkit.grading.assignment import read_assignment

SOLUTION = """
from minidl_core import BaseModule, Example
class Tanh(BaseModule):
    def forward(self, x):
        y = x.tanh()
        self.push(y)
        return y
    def backward(self, grad_output):
        y = self.pop()
        return grad_output * (1 - y * y)
    @classmethod
    def examples(cls):
        return [Example(shapes=[(4, 3)]), Example(shapes=[(2, 5)])]
"""
ASSIGNMENT = """
title = "Exercise 1"
class = "Tanh"
reference = "solution.py:Tanh"
seconds = 20
[points]
matches_reference = 2
input_gradient = 4
shared_use = 2
"""
STUDENT = """
import ctypes, os, sys
from minidl_core import BaseModule
class Tanh(BaseModule):
    def forward(self, x):
        {forward}
        y = x.tanh()
        self.push(y)
        return y
    def backward(self, grad_output):
        y = self.pop()
        return {gradient}
"""
RIGHT = "grad_output * (1 - y * y)"


def student(forward="pass", gradient=RIGHT):
    return STUDENT.format(forward=forward, gradient=gradient)


# File -> its text, the points it gets of 8, and what is said of it.
FILES = {
    "right": (student(), 8, ""),
    "derivative-of-input": (student(gradient="grad_output * (1 - y)"), 4, "input_gradient"),
    "other-function": (
        student("x = 2 * x", "2 * " + RIGHT), 6, "computes something else than its reference",
    ),
    "crashes": (student(gradient="grad_output @ y"), 0, "RuntimeError where none is expected"),
    "exits": (student("os._exit(3)"), 0, "ended in matches_reference: with status 3"),
    "quits": (student("sys.exit(1)"), 0, "SystemExit"),
    "dies": (student("ctypes.string_at(0)"), 0, "by SIGSEGV"),
    "prints": (student("print('x' * 10**5)"), 8, ""),
    "reads": (student("input()"), 0, "EOFError"),
    "recurs": (student("self.forward(x)"), 0, "RecursionError"),
    "no-python": ("class Tanh(", 0, "cannot be run: SyntaxError"),
    "no-class": ("x = 1", 0, "has no class 'Tanh'"),
    "no-layer": ("class Tanh: pass", 0, "expected a class with forward and backward"),
    "imports-nothing": ("import numpyy", 0, "No module named 'numpyy'"),
    "excuses": (
        student(gradient="grad_output").replace(
            "    def forward",
            "    conformance_exceptions = {'input_gradient': 'x'}\n    def forward",
            1,
        ),
        4, "input_gradient",
    ),
}  # fmt: skip


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solution.py").write_text(SOLUTION)
    (tmp_path / "tanh.toml").write_text(ASSIGNMENT)
    (tmp_path / "files").mkdir()
    return tmp_path


def grade(*arguments):
    done = CliRunner().invoke(command, [str(each) for each in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.mark.skipif(sys.platform == "win32", reason="other ways to die")
def test_every_file_gets_its_points_and_none_stops_another(course):
    for name, (text, _, _) in FILES.items():
        (course / "files" / f"{name}.py").write_text(text)
    done = grade("tanh.toml", "files", "--json")
    found = {each["file"][6:-3]: each for each in json.loads(done.stdout)}
    assert found.keys() == FILES.keys()
    for name, (_, points, said) in FILES.items():
        own = found[name]
        assert (own["points"], own["most"]) == (points, 8), own
        messages = " ".join([own["problem"], *(check["message"] for check in own["checks"])])
        assert said in messages, messages
        assert "Traceback" not in messages


def test_an_endless_loop_is_ended(course):
    (course / "files" / "loops.py").write_text(student("while True: pass"))
    (course / "files" / "right.py").write_text(student())
    (course / "tanh.toml").write_text(ASSIGNMENT.replace("seconds = 20", "seconds = 3"))
    loops, right = json.loads(grade("tanh.toml", "files", "--json").stdout)
    assert loops["problem"] == "it was still busy with matches_reference after 3 seconds"
    assert loops["points"] == 0
    assert right["points"] == 8


def test_reports_are_written(course):
    (course / "files" / "ann").mkdir()
    (course / "files" / "ann" / "tanh.py").write_text(student(gradient="2 * grad_output"))
    (course / "files" / "bob.py").write_text(student())
    done = grade(
        "tanh.toml", "files", "--csv", "points.csv", "--junit", "points.xml",
        "--feedback", "feedback",
    )  # fmt: skip
    assert done.exit_code == 0
    assert "2 files, median 6, worst 4" in done.stdout
    ann, bob = csv.DictReader((course / "points.csv").read_text().splitlines())
    assert (ann["file"], ann["points"], ann["Tanh.input_gradient"]) == (
        "files/ann/tanh.py",
        "4",
        "0",
    )
    assert (bob["points"], bob["most"], bob["problem"]) == ("8", "8", "")
    suites = ET.fromstring((course / "points.xml").read_text()).findall("testsuite")
    assert [suite.get("failures") for suite in suites] == ["1", "0"]
    text = (course / "feedback" / "files-ann-tanh.py.txt").read_text()
    assert text.startswith("Exercise 1: 4 of 8 points\n")
    assert "Tanh, input_gradient: 0 of 4, 0 of 2 examples" in text
    assert "disagrees with central differences" in text


def test_several_classes_and_examples_of_the_assignment(course):
    (course / "tanh.toml").write_text(
        """
        [[tasks]]
        class = "Tanh"
        points = { input_gradient = 1 }
        examples = [{ shapes = [[2, 2]] }, { shapes = [[3, 1]], low = -1, high = 1 }]
        [[tasks]]
        class = "Double"
        points = { input_gradient = 3 }
        """
    )
    (course / "files" / "one.py").write_text(student())
    (only,) = json.loads(grade("tanh.toml", "files/one.py", "--json").stdout)
    tanh, double = only["checks"]
    assert (tanh["points"], tanh["examples"]) == (1, 2)
    assert (double["points"], double["most"]) == (0, 3)
    assert "has no class 'Double'" in double["message"]


def test_without_points_every_check_counts_one(course):
    (course / "tanh.toml").write_text('class = "Tanh"\nreference = "solution.py:Tanh"')
    (course / "files" / "right.py").write_text(student())
    (right,) = json.loads(grade("tanh.toml", "files", "--json").stdout)
    assert right["points"] == right["most"] == len(right["checks"]) > 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class = 3", "expected the name of the class"),
        ('klass = "Tanh"', "there is no key 'klass'. Did you mean \"class\"?"),
        ('class = "Tanh"\nreference = "gone.py:Tanh"', "expected the solution as FILE.py:CLASS"),
        ('class = "Tanh"\npoints = 3', "expected points by check"),
        ('class = "Tanh"\npoints = { input_gradient = -1 }', "expected a number above 0, got -1"),
        ('class = "Tanh"\nseconds = "long"', "expected a number above 0, got 'long'"),
        ('class = "Tanh"\nseed = 1.5', "expected a whole number, got 1.5"),
        ('class = "Tanh"\nexamples = 1', "expected a list of tables"),
        ('class = "Tanh"\nexamples = [{ shape = [] }]', 'Did you mean "shapes"'),
        ("tasks = []", "expected at least one of [[tasks]]"),
        ("class = ", "is not TOML"),
    ],
)
def test_wrong_assignments_are_refused(course, text, message):
    (course / "tanh.toml").write_text(text)
    with pytest.raises(ArgumentError) as caught:
        read_assignment(course / "tanh.toml")
    assert message in str(caught.value)


def test_nothing_to_grade_is_an_error(course):
    with pytest.raises(ArgumentError, match="files: expected Python files to grade, got a folder"):
        grade("tanh.toml", "files")
    with pytest.raises(ArgumentError, match=r"gone\.py: expected Python files to grade, got none"):
        grade("tanh.toml", "gone.py")


def test_a_check_that_there_is_not_is_named():
    from .test_check import RIGHT as DOUBLE

    space = {}
    exec(DOUBLE, space)
    results = run_checks(space["Double"], checks=["input_gradient"])
    assert {result.check for result in results} == {"declarations", "input_gradient"}
    with pytest.raises(ArgumentError, match="no check 'input_gradients' for modules"):
        run_checks(space["Double"], checks=["input_gradients"])
