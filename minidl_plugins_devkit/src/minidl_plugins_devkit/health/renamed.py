"""What an entry point names and its module, which can be imported, does not have."""

from __future__ import annotations

import pkgutil
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from minidl_core import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minidl_core import Component

__all__ = ["renamed"]


def renamed(component: Component, error: BaseException | None) -> tuple[str, str] | None:
    """Return cause and cure if loading `component` raised `error` because of a name that is gone.

    Nothing is imported: a module that was imported when loading failed is there still.
    """
    value = component.value.partition("[")[0].replace(" ", "")
    module_name, _, attributes = value.partition(":")
    missing = None
    if isinstance(error, AttributeError):
        missing = _missing_attribute(module_name, attributes)
    elif isinstance(error, ModuleNotFoundError) and error.name == module_name:
        missing = _missing_module(module_name)
    if missing is None:
        return None
    holder, name, known = missing
    hint = suggest(name, known) or (f" It has: {', '.join(known[:8])}." if known else "")
    cause = f"its entry point names {value}, and {holder} can be imported, but has no {name}.{hint}"
    cure = (
        f"correct the entry point of {component.name} in the pyproject.toml of "
        f"{component.distribution.name}, or rename {name} back; then reinstall it"
    )
    return cause, cure


def _missing_attribute(module_name: str, attributes: str) -> tuple[str, str, list[str]] | None:
    """Return who lacks an attribute, which, and what it has instead."""
    found: Any = sys.modules.get(module_name)
    if found is None:
        return None
    at = module_name
    for attribute in filter(None, attributes.split(".")):
        if attribute not in dir(found):
            return at, attribute, _defined_in(found)
        found = vars(found).get(attribute) if hasattr(found, "__dict__") else None
        if found is None:
            return None  # it is there, and failed for another reason
        at += f".{attribute}"
    return None


def _missing_module(module_name: str) -> tuple[str, str, list[str]] | None:
    package_name, _, name = module_name.rpartition(".")
    package = sys.modules.get(package_name)
    path = getattr(package, "__path__", None)
    if path is None:
        return None
    return package_name, name, _public(module.name for module in pkgutil.iter_modules(path))


def _defined_in(holder: Any) -> list[str]:
    """Return the public names that `holder` defines itself, rather than imports."""
    if not isinstance(holder, ModuleType):
        return _public(vars(holder))
    own = [
        name
        for name, value in vars(holder).items()
        if getattr(value, "__module__", None) == holder.__name__
    ]
    return _public([*own, *getattr(holder, "__all__", ())])


def _public(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if not name.startswith("_")})
