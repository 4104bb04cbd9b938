"""The ``minidl`` command over distributions on disk, with the core and the devkit beside them."""

from __future__ import annotations

import pytest

from ..core.conftest import make_site, minidl_beside, site  # noqa: TID252

__all__ = ["make_site", "site"]


@pytest.fixture
def minidl(site):
    """Run ``minidl`` in a process that sees `site`, the core and the devkit, and no torch."""
    return minidl_beside(site, "minidl-core", "minidl-plugins-devkit")


@pytest.fixture
def broken(site):
    """A distribution whose every module ends the process when it is imported."""
    points = {"minidl.modules": {"Boom": "acme_boom:Boom"}, "minidl": {"boom": "acme_boom"}}
    site.install("acme-boom", points, {"acme_boom": "raise SystemExit('boom')"}, version="0.3")
