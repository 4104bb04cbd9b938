"""The conformance kit under its first name; `minidl_plugins_devkit` has it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidl_plugins_devkit import *


def __getattr__(name: str) -> object:
    from importlib import import_module, util

    if name.startswith("__"):
        raise AttributeError(name)
    if util.find_spec("minidl_plugins_devkit") is None:
        cure = "pip install minidl-plugins-devkit"
        raise ImportError(f"minidl_core.testing.{name} is part of the conformance kit: {cure}")
    return getattr(import_module("minidl_plugins_devkit"), name)
