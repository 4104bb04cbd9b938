"""No check fails on a component that is right, however unusual."""

from __future__ import annotations

import pytest

from minidl_plugins_devkit import run_checks

from .corpus.table import RIGHT, SEEDS


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("component", RIGHT, ids=lambda component: component.__name__)
def test_no_false_alarm(component, seed):
    results = run_checks(component, seed=seed)
    assert [result.message for result in results if not result.ok] == []


def test_there_are_at_least_twenty():
    assert len(RIGHT) >= 20
