"""Every optimizer that minidl-plugins-nn registers goes through the conformance kit."""

from __future__ import annotations

from importlib.metadata import distribution

import pytest

kit = pytest.importorskip("minidl_plugins_devkit", reason="the kit is not installed")

ENTRY_POINTS = distribution("minidl-plugins-nn").entry_points.select(group="minidl.optimizers")


@kit.parametrize_with_checks([entry.load() for entry in ENTRY_POINTS])
def test_conforms(check):
    check()
