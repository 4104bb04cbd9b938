"""Every layer on images, proven by minidl's conformance kit."""

from __future__ import annotations

import re

import pytest

import minidl_plugins_nn

kit = pytest.importorskip("minidl_plugins_devkit")

LAYERS = [
    getattr(minidl_plugins_nn, name)
    for name in minidl_plugins_nn.__all__
    if re.fullmatch(
        r".*(Conv|ConvTranspose|Pool|Unpool|Norm|Pad|Dropout)[123]d|.*Norm|.*[Dd]ropout"
        r"|(Unf|F)latten|Identity|(Unf|F)old|.*[Ss]huffle|Upsampl.*",
        name,
    )
]


@kit.parametrize_with_checks(LAYERS)
def test_conforms(check):
    check()
