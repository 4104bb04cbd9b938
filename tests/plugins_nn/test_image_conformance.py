"""Every layer on images, proven by minidl's conformance kit."""

from __future__ import annotations

from minidl_plugins_devkit import parametrize_with_checks

from .image_twins import LAYERS


@parametrize_with_checks(LAYERS)
def test_conforms(check):
    check()
