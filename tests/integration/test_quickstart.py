"""The README's first snippet is short, and prints what the README shows."""

from __future__ import annotations

from pathlib import Path

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.py"

PRINTED = """\
|x Sequential:
| | Linear Layer, in: 2, out: 8, biases: True
| | Hyperbolic Tangent
| | Linear Layer, in: 8, out: 1, biases: True
| | Sigmoid
| | v
step   0  loss 0.277
step  50  loss 0.207
step 100  loss 0.071
step 150  loss 0.013
step 200  loss 0.006
0 xor 0 = 0
0 xor 1 = 1
1 xor 0 = 1
1 xor 1 = 0
"""


def test_it_has_at_most_thirty_lines():
    assert len(QUICKSTART.read_text(encoding="utf-8").splitlines()) <= 30


def test_it_prints_what_is_shown(run_example):
    done = run_example("quickstart.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout == PRINTED
    assert done.stderr == ""


def test_the_readme_shows_it_and_what_it_prints():
    readme = (QUICKSTART.parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"```python\n{QUICKSTART.read_text(encoding='utf-8')}```" in readme
    assert f"```\n{PRINTED}```" in readme
