"""The conformance kit under its first name; `minidl_plugins_devkit` has it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidl_plugins_devkit import *


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        import minidl_plugins_devkit as kit
    except ModuleNotFoundError as error:
        if error.name != "minidl_plugins_devkit":
            raise
        raise ImportError(
            f"minidl_core.testing.{name} is part of the conformance kit; "
            "pip install minidl-plugins-devkit"
        ) from None
    return getattr(kit, name)
