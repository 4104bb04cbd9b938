"""Every planted bug is caught by the check that names it."""

from __future__ import annotations

import pytest

from minidl_core import registry
from minidl_plugins_devkit import CHECKS
from minidl_plugins_devkit.declarations import kind_of
from minidl_plugins_devkit.running import tasks_of

from .corpus import wrong_flags, wrong_optimizers
from .corpus.table import PLANTED, SEEDS

# Bugs whose only sign is an exception; of all others the kit says more than that they crash.
CRASHING = {wrong_flags.RefusesNames, wrong_optimizers.SinglePrecisionState}


def shown(part):
    return getattr(part, "__name__", part)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("component", "check"), PLANTED, ids=shown)
def test_bug_is_caught(component, check, seed):
    results = [task.run() for task in tasks_of(component, seed=seed) if task.check == check]
    failed = [result for result in results if result.status == "failed"]
    assert failed
    if component not in CRASHING:
        assert [result.place for result in failed if result.place] == []


def test_there_are_at_least_200():
    assert len(PLANTED) >= 200


def test_every_check_catches_one():
    catching = {CHECKS[kind_of(component, None, registry)][check] for component, check in PLANTED}
    assert catching == {check for checks in CHECKS.values() for check in checks.values()}
