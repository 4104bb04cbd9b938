"""Every planted bug is caught by the check that names it."""

from __future__ import annotations

import pytest

from minidl_core.testing import CHECKS
from minidl_plugins_devkit.declarations import kind_of
from minidl_plugins_devkit.running import tasks_of

from .corpus.table import PLANTED, SEEDS


def shown(part):
    return getattr(part, "__name__", part)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("component", "check"), PLANTED, ids=shown)
def test_bug_is_caught(component, check, seed):
    results = [task.run() for task in tasks_of(component, seed=seed) if task.check == check]
    assert results
    assert "failed" in {result.status for result in results}


def test_there_are_at_least_forty():
    assert len(PLANTED) >= 40


def test_every_check_catches_one():
    catching = {CHECKS[kind_of(component)][check] for component, check in PLANTED}
    assert catching == {check for checks in CHECKS.values() for check in checks.values()}
