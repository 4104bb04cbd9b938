"""Arbitrary names, values and files in the metadata: never a traceback out of the commands."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minidl_core import MinidlError, Registry
from minidl_core.commands import list, plugins

KINDS = ["modules", "losses", "optimizers", "engines", "commands", "kinds", "hookspecs"]
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


DISTRIBUTIONS = st.lists(st.tuples(FOLDERS, ENTRY_POINTS, METADATA), max_size=3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DISTRIBUTIONS)
def test_no_command_shows_a_traceback(distributions):
    with installed(distributions) as registry:
        must_print(registry, list.command, plugins.command)
        for component in [*registry.components(), *registry.components("kinds")]:
            with contextlib.suppress(MinidlError):
                registry.get(component.kind, component.name)


@contextlib.contextmanager
def installed(distributions):
    """A registry over `distributions`, each a folder's name, its entry points and metadata."""
    with tempfile.TemporaryDirectory() as site:
        for folder, entry_points, metadata in distributions:
            info = Path(site, f"{folder}.dist-info")
            info.mkdir(exist_ok=True)
            (info / "entry_points.txt").write_bytes(entry_points.encode("utf-8", "replace"))
            (info / "METADATA").write_bytes(metadata.encode("utf-8", "replace"))
        yield Registry([site], report=lambda _: None)


def must_print(registry, *commands):
    """Each of `commands` ends by itself, and with no exception but an error of ours."""
    for command in commands:
        for arguments in ([], ["--json"]):
            result = CliRunner().invoke(command, arguments, obj=registry)
            assert result.exit_code in (0, 1), result.output
            ours = (SystemExit, MinidlError)
            assert result.exception is None or isinstance(result.exception, ours)
