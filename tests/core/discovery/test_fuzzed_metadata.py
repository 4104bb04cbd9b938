"""Arbitrary names, values and files in the metadata: never a traceback out of the commands."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minidl_core import MinidlError, Registry
from minidl_core.commands import doctor, list, plugins
from minidl_core.components import KINDS

GROUPS = st.sampled_from(["minidl", *(f"minidl.{kind}" for kind in KINDS), "minidl.other"]) | (
    st.text(max_size=8)
)
# Mostly nonsense, but also values that name something real, which is then no component.
VALUES = st.text(max_size=20) | st.sampled_from(
    ["os:path", "json", "math:pi", "collections:OrderedDict", "minidl_core:Sequential", "x:y:z"]
)
LINES = st.tuples(GROUPS, st.text(max_size=12), VALUES).map(lambda t: f"[{t[0]}]\n{t[1]} = {t[2]}")
ENTRY_POINTS = st.lists(LINES | st.text(max_size=30), max_size=5).map("\n".join)
METADATA = st.text(max_size=80) | st.tuples(st.text(max_size=8), st.text(max_size=30)).map(
    lambda t: f"Name: {t[0]}\nVersion: {t[0]}\nRequires-Dist: minidl-core {t[1]}\n"
)
FOLDERS = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(FOLDERS, ENTRY_POINTS, METADATA), max_size=3))
def test_no_command_shows_a_traceback(distributions):
    with tempfile.TemporaryDirectory() as site:
        for folder, entry_points, metadata in distributions:
            info = Path(site, f"{folder}.dist-info")
            info.mkdir(exist_ok=True)
            (info / "entry_points.txt").write_bytes(entry_points.encode("utf-8", "replace"))
            (info / "METADATA").write_bytes(metadata.encode("utf-8", "replace"))
        registry = Registry([site], report=lambda _: None)
        for command in (list.command, plugins.command, doctor.command):
            for arguments in ([], ["--json"]):
                result = CliRunner().invoke(command, arguments, obj=registry)
                assert result.exit_code in (0, 1), result.output
                assert result.exception is None or isinstance(result.exception, SystemExit)
        for kind in KINDS:
            for component in registry.components(kind):
                with contextlib.suppress(MinidlError):
                    registry.get(kind, component.name)
