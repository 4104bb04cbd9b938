"""Torch's own cases, for every component that has a namesake there; see `torch_cases`."""

from __future__ import annotations

import pytest

from .coverage_table import LEFT_OUT, NAMES, NOT_YET, is_complete, page, row, run, written_rows
from .coverage_table import PATH as PAGE
from .torch_cases import MODULES, component

KINDS = {name: ("modules", "losses") if name in MODULES else ("optimizers",) for name in NAMES}
OURS = [name for name in NAMES if component(name, KINDS[name]) is not None]
CURE = "run python -m tests.plugins_nn.coverage_table"


@pytest.fixture(scope="module", params=OURS)
def ran(request):
    return request.param, run(request.param)


def test_equals_torch_in_its_own_cases(ran, request):
    name, outcome = ran
    if name in NOT_YET or name in LEFT_OUT:
        request.applymarker(pytest.mark.xfail(reason=NOT_YET.get(name) or LEFT_OUT[name]))
    assert outcome.failures == []


def test_row_is_current(ran):
    name, outcome = ran
    assert written_rows()[name] == row(name, outcome), f"{CURE} {name}"


def test_table_has_every_name():
    rows = written_rows()
    assert set(rows) == set(NAMES), CURE
    assert PAGE.read_text(encoding="utf-8") == page(rows), CURE


def test_table_counts_no_missing_component():
    missing = set(NAMES) - set(OURS)
    passed = {name: line.split("|")[3].strip() for name, line in written_rows().items()}
    assert {name for name in missing if passed[name] != "0"} == set(), CURE


def test_most_modules_and_optimizers_pass_all_cases():
    complete = {name for name, line in written_rows().items() if is_complete(line)}
    assert len(complete & set(MODULES)) >= 100
    assert len(complete - set(MODULES)) >= 13
