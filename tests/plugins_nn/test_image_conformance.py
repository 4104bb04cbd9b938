"""Every layer on images, proven by minidl's conformance kit."""

from __future__ import annotations

import pytest

from .image_twins import LAYERS

kit = pytest.importorskip("minidl_plugins_devkit")


@kit.parametrize_with_checks(LAYERS)
def test_conforms(check):
    check()
