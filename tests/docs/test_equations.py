"""Equations of docstrings become mathematics on the site; what is none stays text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="sphinx is not installed")
sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "_extensions"))
import equations


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Y = X Wᵀ + b", "Y = X W^{T} + b"),
        ("Y = (x − 1)²", "Y = (x - 1)^{2}"),
        ("v̂ = v / (1 − β₂ᵗ)", r"\hat{v} = v / (1 - β_{2}^{t})"),
        ("y = √(f(x) + ε)", r"y = \sqrt{f(x) + ε}"),
        ("y = e^(x/α)", "y = e^{x/α}"),
        ("J = 1/N Σᵢ |xᵢ|", r"J = 1/N \sum_{i} |x_{i}|"),
        ("h = x W_ihᵀ", r"h = x W_{\mathrm{ih}}^{T}"),
        ("s = Σ_{i ≠ j} xᵢ", r"s = \sum_{i \ne  j} x_{i}"),
    ],
)
def test_an_equation_is_translated(written, expected):
    assert equations.tex(written) == expected


@pytest.mark.parametrize("text", ["x = the mean", "y = √(x", "a = b`c`", "x = 🙂"])
def test_what_is_no_equation_is_not_translated(text):
    assert equations.tex(text) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Y = X: a layer that does nothing.", ":math:`Y = X`: a layer that does nothing."),
        (
            "f(x) = x where x > 0, else a x.",
            ":math:`f(x) = x` where :math:`x > 0`, else a x.",
        ),
        ("J = mean over the batch of X", "J = mean over the batch of X"),
        ("the ``lr = 1`` of a run", "the ``lr = 1`` of a run"),
        ("turned: 1 2 3 → 3 2 1", "turned: 1 2 3 → 3 2 1"),
    ],
)
def test_an_equation_is_found_in_prose(line, expected):
    assert equations.with_equations(line) == expected


def test_only_a_block_of_equations_is_displayed():
    lines = ["Adam.", "", "With m::", "", "    m ← β m + g", "    v ← v + g²", "", "Then::", ""]
    code = ["    model = stack(models)", "    model.train()"]
    shown = equations.render(lines + code)
    assert (
        r"   \begin{aligned} m & \leftarrow  β m + g \\ v & \leftarrow  v + g^{2} \end{aligned}"
        in shown
    )
    assert "With m:" in shown
    assert shown[-3:] == ["", *code]
    assert "Then::" in shown


def test_markup_outside_of_equations_is_escaped():
    assert equations.escaped("x (*, C) and |x| by add_, `*a` and **not** ``b_``") == (
        r"x (\*, C) and \|x\| by add\_, `*a` and **not** ``b_``"
    )
