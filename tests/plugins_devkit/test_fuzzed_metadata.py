"""Arbitrary metadata: `minidl doctor` never shows a traceback."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from minidl_plugins_devkit.commands import doctor

from ..core.discovery.test_fuzzed_metadata import (  # noqa: TID252
    DISTRIBUTIONS,
    installed,
    must_print,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DISTRIBUTIONS)
def test_doctor_shows_no_traceback(distributions):
    with installed(distributions) as registry:
        must_print(registry, doctor.command)
