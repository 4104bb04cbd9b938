"""No check fails on a component that is right, however unusual."""

from __future__ import annotations

import pytest

from minidl_plugins_devkit import run_checks

from .corpus.table import INSTALLED, RIGHT, SEEDS

ALL = [*RIGHT, *INSTALLED] if len(SEEDS) > 2 else RIGHT


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("component", ALL, ids=lambda component: component.__name__)
def test_no_false_alarm(component, seed):
    results = run_checks(component, seed=seed)
    assert [result.message for result in results if not result.ok] == []


def test_there_are_enough_to_be_sure():
    assert len(RIGHT) >= 70
    assert len(INSTALLED) >= 150
