"""Every activation and loss of minidl-plugins-nn goes through the conformance kit."""

from __future__ import annotations

from importlib.metadata import distribution

import pytest

kit = pytest.importorskip("minidl_plugins_devkit", reason="the kit is not installed")

ENTRY_POINTS = [
    entry
    for entry in distribution("minidl-plugins-nn").entry_points
    if ".activations." in entry.value or ".losses." in entry.value
]


@kit.parametrize_with_checks([entry.load() for entry in ENTRY_POINTS])
def test_conforms(check):
    check()
