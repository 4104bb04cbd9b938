"""The packages of all distributions, one for each."""

from __future__ import annotations

__all__ = ["PACKAGES"]

PACKAGES = [
    "minidl_core",
    "minidl_plugins_basic",
    "minidl_plugins_devkit",
    "minidl_plugins_distributed",
    "minidl_plugins_engines",
    "minidl_plugins_experiments",
    "minidl_plugins_inspect",
    "minidl_plugins_nn",
]
