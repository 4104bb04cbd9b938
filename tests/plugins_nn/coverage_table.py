"""Write docs/torch-coverage.md: ``python -m tests.plugins_nn.coverage_table`` at the root.

With names after it, only the rows of these modules and optimizers are run anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from . import torch_cases, torch_optimizer_cases
from .torch_cases import MODULES, Outcome
from .torch_optimizer_cases import OPTIMIZERS

PATH = Path(__file__).parents[2] / "docs" / "torch-coverage.md"
NAMES = [*MODULES, *OPTIMIZERS]

# What is left out on purpose, and why.
LEFT_OUT = {
    "LBFGS": "its step evaluates the model again, by a closure, which `step()` here has not",
    "SparseAdam": "it takes sparse gradients alone, and gradients here are dense",
}

# What does not pass yet, and what it needs.
NOT_YET = {}

HEAD = """\
# How much of torch.nn there is

Made by `python -m tests.plugins_nn.coverage_table`; a test keeps it up to date. PyTorch ships the
cases that its own modules and optimizers are tested with
(`torch.testing._internal.common_modules` and `common_optimizers`). Each is run here against the
component of the same name: built with the same arguments, and given the same state, inputs and
gradients. Outputs, gradients, and the state after the step must be equal, in float64 to 1e-10 of
the largest element and in float32 to its rounding. PyTorch's gradients come from its autograd, ours
from `backward`. Cases with `reduction="none"` are left out: a loss is a scalar here. A module that
behaves differently in training and evaluation has its cases run in both.
"""


def row(name: str, outcome: Outcome) -> str:
    """Return the row of one name in the table."""
    if name in LEFT_OUT:
        why = LEFT_OUT[name]
    elif not outcome.passed and "no such component" in outcome.failures[0]:
        why = "not there yet"
    else:
        why = "; ".join(outcome.failures[:1]).replace("|", "\\|")
    return f"| {name} | {outcome.cases} | {outcome.passed} | {why} |"


def run(name: str) -> Outcome:
    return (torch_cases if name in MODULES else torch_optimizer_cases).outcome(name)


def written_rows() -> dict[str, str]:
    """Return the rows of the page as it is, by name."""
    lines = PATH.read_text(encoding="utf-8").splitlines() if PATH.exists() else []
    rows = [line for line in lines if line.startswith("| ") and line.count("|") >= 5]
    return {line.split("|")[1].strip(): line for line in rows if not line.startswith("| name")}


def page(rows: dict[str, str]) -> str:
    """Return the whole page, made of one row for each name."""
    lines = [HEAD]
    for title, names in (("modules", list(MODULES)), ("optimizers", list(OPTIMIZERS))):
        complete = sum(is_complete(rows[name]) for name in names)
        lines += [f"## {complete} of {len(names)} {title}", ""]
        lines += ["| name | cases | passed | why not |", "|---|---|---|---|"]
        lines += [*(rows[name] for name in sorted(names)), ""]
    return "\n".join(lines)


def is_complete(row: str) -> bool:
    _, _, cases, passed, *_ = map(str.strip, row.split("|"))
    return cases == passed


def main(names: list[str]) -> None:
    torch.set_grad_enabled(False)
    rows = written_rows()
    for name in names or NAMES:
        outcome = run(name)
        rows[name] = row(name, outcome)
        print(rows[name], *outcome.failures[:3], sep="\n    ")
    for name in set(NAMES) - set(rows):
        rows[name] = row(name, run(name))
    PATH.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
