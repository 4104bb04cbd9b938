"""Everything that minidl-plugins-basic registers goes through the conformance kit."""

from __future__ import annotations

from importlib.metadata import distribution

from minidl_plugins_devkit import parametrize_with_checks

KINDS = {"minidl.modules", "minidl.losses", "minidl.optimizers"}
ENTRY_POINTS = distribution("minidl-plugins-basic").entry_points


@parametrize_with_checks([entry.load() for entry in ENTRY_POINTS if entry.group in KINDS])
def test_conforms(check):
    check()
